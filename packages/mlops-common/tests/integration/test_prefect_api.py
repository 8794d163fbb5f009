"""Which Prefect API is meant, told by one module."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.deployments import POOL
from mlops_common.errors import ConfigError
from mlops_common.orchestration.deployments import deploying
from mlops_common.orchestration.health import examine
from mlops_common.orchestration.server import api
from mlops_common.orchestration.server.api import Api
from mlops_common.orchestration.server.process import server_port
from mlops_common.testing.canned import canned

ELSEWHERE = "https://prefect.example/api"
KEY = "pnu_secret"


@pytest.fixture(autouse=True)
def nothing_configured() -> Iterator[None]:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    with temporary_settings(restore_defaults={PREFECT_API_URL}):
        yield


@pytest.fixture
def configured() -> Iterator[Api]:
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, temporary_settings

    with temporary_settings({PREFECT_API_URL: ELSEWHERE, PREFECT_API_KEY: KEY}):
        yield Api(ELSEWHERE, {"Authorization": f"Bearer {KEY}"})


def test_without_a_server_there_is_none(tmp_path: Path) -> None:
    assert api.configured() is None
    assert api.own(tmp_path) is None
    assert api.locate(tmp_path) is None
    with pytest.raises(ConfigError, match="start one with `mlops up`"):
        api.require(tmp_path)


def test_a_configured_one_goes_before_that_of_the_home(
    tmp_path: Path, configured: Api
) -> None:
    assert api.configured() == api.locate(tmp_path) == api.require(tmp_path)
    assert api.require(tmp_path) == configured


def test_the_key_is_shown_to_the_configured_one_alone(configured: Api) -> None:
    assert api.at(ELSEWHERE) == configured
    assert api.at("http://127.0.0.1:4200/api").headers == {}
    assert KEY not in repr(configured)


@pytest.mark.parametrize(
    ("status", "told"),
    [
        (401, "does not admit us; set PREFECT_API_KEY"),
        (403, "knows our key and forbids"),
    ],
)
def test_whether_the_key_or_the_role_is_wrong_is_told(
    status: int, told: str, tmp_path: Path
) -> None:
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, temporary_settings

    refused = (status, {"detail": "no"})
    answers = {f"/api/work_pools/{name}": refused for name in ("filter", POOL)}

    with canned(answers) as server:
        url = f"{server}/api"
        with temporary_settings({PREFECT_API_URL: url, PREFECT_API_KEY: KEY}):
            with pytest.raises(ConfigError, match=told) as required:
                deploying.require(url)
            with pytest.raises(ConfigError, match=told):
                examine(tmp_path)

    assert KEY not in str(required.value)


def test_the_server_of_a_home_keeps_its_address_while_it_does_not_run(
    tmp_path: Path,
) -> None:
    port = server_port(tmp_path).settled()

    assert api.own(tmp_path) == Api(f"http://127.0.0.1:{port}/api")
    assert api.locate(tmp_path) is None
