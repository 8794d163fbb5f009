import shutil
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import BackendError, ConfigError
from mlops_common.home import reset, stop
from mlops_common.orchestration.server.process import start_server
from mlops_common.parts.overview import overview
from mlops_common.ports import free_port
from mlops_common.sections import PostgresSettings
from mlops_common.settings import Settings


@pytest.fixture(params=["/dev/null/home", "blocked/home"])
def impossible(request: pytest.FixtureRequest, tmp_path: Path) -> Platform:
    """A platform whose home no user can make."""
    (tmp_path / "blocked").touch()
    return connect(Settings(home=tmp_path / request.param))


def test_a_home_that_cannot_be_made_runs_nothing(impossible: Platform) -> None:
    assert {row.state for row in overview(impossible)} == {"stopped"}
    assert list(stop(impossible)) == []


def test_a_home_that_cannot_be_made_is_told_with_its_remedy(
    impossible: Platform,
) -> None:
    with pytest.raises(ConfigError, match=r"cannot make the folder .*set MLOPS_HOME"):
        start_server(impossible)


def test_a_reset_deletes_the_home(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "objects" / "raw").mkdir(parents=True)

    reset(connect(Settings(home=home)))

    assert not home.exists()


def test_what_a_reset_cannot_delete_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / "objects").mkdir(parents=True)

    def refused(path: Path, *, ignore_errors: bool = False, **_: Any) -> None:
        if not ignore_errors:
            raise PermissionError(1, "Operation not permitted", str(path / "objects"))

    monkeypatch.setattr(shutil, "rmtree", refused)

    with pytest.raises(BackendError, match=f"cannot delete all of {home}: .*objects"):
        reset(connect(Settings(home=home)))


def test_the_status_tells_that_an_external_server_cannot_be_reached(
    tmp_path: Path,
) -> None:
    port = free_port()
    external = PostgresSettings(host="127.0.0.1", port=port, connect_timeout=2)

    rows = overview(connect(Settings(home=tmp_path, postgres=external)))

    found = next(row for row in rows if row.name == "postgres")
    assert found.state == "external"
    assert f"127.0.0.1:{port} cannot be reached" in found.problem
