from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.config import Settings
from mlops_common.errors import ConfigError
from mlops_common.home import status, stop
from mlops_common.orchestration import start_server


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
