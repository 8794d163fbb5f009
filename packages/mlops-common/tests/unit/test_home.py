import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import BackendError, ConfigError
from mlops_common.home import _service, reset, status, stop
from mlops_common.orchestration.server import start_server
from mlops_common.processes import free_port
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.sections import PostgresSettings
from mlops_common.serving.base import ServiceStatus
from mlops_common.settings import Settings


@pytest.fixture(params=["/dev/null/home", "blocked/home"])
def impossible(request: pytest.FixtureRequest, tmp_path: Path) -> Platform:
    """A platform whose home no user can make."""
    (tmp_path / "blocked").touch()
    return connect(Settings(home=tmp_path / request.param))


def test_a_home_that_cannot_be_made_runs_nothing(impossible: Platform) -> None:
    assert status(impossible)["Prefect"] == "not running"
    assert status(impossible)["PostgreSQL"] == "not running"
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

    found = status(connect(Settings(home=tmp_path, postgres=external)))

    assert f"127.0.0.1:{port} cannot be reached" in found["PostgreSQL"]


def test_the_status_of_an_endpoint_tells_the_share_of_its_canary() -> None:
    stable, canary = (
        EndpointRef(
            name="churn",
            url="http://127.0.0.1:8500",
            model=ModelRef(name="churn", version=n, run_id="", uri="", digest=""),
        )
        for n in (3, 4)
    )
    alone = ServiceStatus(running=True, endpoint=stable, staged=canary)
    split = replace(alone, percent=10, restarts=1, canary_restarts=2)
    url = "http://127.0.0.1:8500/v2/models/churn/infer"

    assert _service(alone) == f"{url} (version 3)"
    assert _service(split) == (
        f"{url} (version 3, restarted 1 times, "
        "10 % of the requests to version 4, restarted 2 times)"
    )
