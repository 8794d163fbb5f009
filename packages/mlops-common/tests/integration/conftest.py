from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.postgres.database import Postgres
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder


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
