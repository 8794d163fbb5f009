from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.datasets import Datasets
from mlops_common.home import reset
from mlops_common.lineage.emission import teller
from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.postgres.database import Postgres
from mlops_common.sections import PostgresSettings
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.settings import Settings
from mlops_common.testing.datasets import datasets_in
from mlops_common.testing.emission import emitter_of
from mlops_common.testing.lineage_receiver import MarquezDouble, marquez_double
from mlops_common.testing.moto import MotoServer, moto_server
from mlops_common.testing.run_lineage import PATIENCE


@pytest.fixture
def target(tmp_path: Path) -> Path:
    """Where an extract goes, in a folder that is not there yet."""
    return tmp_path / "out" / "table.parquet"


@pytest.fixture
def customers(postgres: Postgres, database: str) -> Postgres:
    """A server whose database of source tables is empty."""
    return Postgres(PostgresSettings(database=database), postgres.server)


@pytest.fixture(scope="session")
def moto() -> Iterator[MotoServer]:
    """An S3 server that admits everybody; each test asks it for a bucket."""
    with moto_server() as running:
        yield running


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a receiver of lineage that is away be tried again soon."""
    monkeypatch.setattr(teller, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(teller, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(teller, "IDLE", 0.05)


@pytest.fixture
def marquez() -> Iterator[MarquezDouble]:
    """A receiver of lineage."""
    with marquez_double() as double:
        yield double


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home folder that is not there yet."""
    return tmp_path / "home"


@pytest.fixture
def datasets(home: Path) -> Datasets:
    """The datasets of that home."""
    return datasets_in(home)


@pytest.fixture
def scratch_of_dvc(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the scratch of DVC's own command out of /var/tmp."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))


@pytest.fixture
def lineage(marquez: MarquezDouble, home: Path) -> Iterator[Emitter]:
    """What tells that receiver of the home."""
    started = emitter_of(marquez, home)
    yield started
    started.close()


@pytest.fixture(scope="class")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("serving")


@pytest.fixture(scope="class")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="class")
def environment(postgres: Postgres) -> dict[str, str]:
    assert postgres.server is not None
    return {"MLOPS_HOME": str(postgres.server.home)}


@pytest.fixture(scope="class")
def serving(root: Path, environment: dict[str, str]) -> Iterator[LocalServing]:
    serving = LocalServing(root, environment=environment)
    yield serving
    for folder in root.iterdir():
        ServiceFolder(folder).supervisor.stop()


@pytest.fixture(scope="session")
def home_of_runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home whose Prefect server, once started, records the runs of all tests."""
    home = tmp_path_factory.mktemp("runs")
    yield home
    platform = connect(Settings(home=home))
    assert platform.lineage is not None
    platform.lineage.close(PATIENCE)
    reset(platform)


@pytest.fixture(scope="module")
def platform(home_of_runs: Path) -> Iterator[Platform]:
    """That home with its server, and no Prefect profile of the user's."""
    platform = connect(Settings(home=home_of_runs))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(home_of_runs))
        patch.setenv("PREFECT_HOME", str(home_of_runs / "profile"))
        patch.delenv("PREFECT_API_URL", raising=False)
        with orchestrated(platform):
            yield platform
