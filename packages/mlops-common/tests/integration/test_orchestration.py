from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from uuid import uuid4

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import BackendError, ContractError, MlopsError
from mlops_common.home import reset
from mlops_common.orchestration.deployments.submission import PAGE, tell_log
from mlops_common.orchestration.server.process import server_process
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.orchestration.tasks import MINUTE, RETRIES, task
from mlops_common.parts.overview import overview
from mlops_common.ports import free_port
from mlops_common.provenance import package_digest
from mlops_common.settings import Settings
from mlops_common.testing.canned import canned
from mlops_common.testing.marks import PREFECT_CLIENT

pytestmark = PREFECT_CLIENT


@pytest.fixture(scope="module")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A home of its own, with no Prefect profile of the user's."""
    home = tmp_path_factory.mktemp("home")
    platform = connect(Settings(home=home))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home / "profile"))
        patch.setenv("MLOPS_HOME", str(home))
        patch.delenv("PREFECT_API_URL", raising=False)
        yield platform
    reset(platform)
    assert not home.exists()


def attempts_until_it_fails_with(error: MlopsError, platform: Platform) -> int:
    from prefect import flow

    attempts = 0

    @task(timeout=MINUTE)
    def work() -> None:
        nonlocal attempts
        attempts += 1
        raise error

    @flow
    def pipeline() -> None:
        work.with_options(retry_delay_seconds=0)()

    with orchestrated(platform), pytest.raises(type(error)):
        pipeline()
    return attempts


def test_a_run_without_a_configured_api_is_recorded_by_our_own_server(
    platform: Platform,
) -> None:
    from prefect import flow
    from prefect.client.orchestration import get_client

    @flow(name="recorded")
    def pipeline() -> int:
        return 1

    with orchestrated(platform) as url:
        assert pipeline() == 1
        with get_client(sync_client=True) as client:
            found = client.read_flow_by_name("recorded")

    assert found.name == "recorded"
    assert url.startswith("http://127.0.0.1:")
    rows = {row.name: row for row in overview(platform)}
    assert rows["prefect-server"].url == url.removesuffix("/api")


def test_the_server_is_shared_by_later_runs(platform: Platform) -> None:
    with orchestrated(platform) as first:
        identity = server_process(platform.settings.home).identity()
    with orchestrated(platform) as second:
        assert server_process(platform.settings.home).identity() == identity

    assert first == second


def test_a_backend_error_is_retried(platform: Platform) -> None:
    assert attempts_until_it_fails_with(BackendError("down"), platform) == RETRIES + 1


def test_the_pauses_between_tries_grow_and_vary() -> None:
    @task(timeout=MINUTE)
    def work() -> None:
        """Do nothing."""

    assert work.retries == RETRIES == 2
    assert work.retry_delay_seconds == [2.0, 4.0]
    assert work.retry_jitter_factor == 0.5


def test_the_whole_log_of_a_run_is_told_also_its_empty_lines(
    platform: Platform,
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.actions import LogCreate
    from prefect.types._datetime import now

    told: list[str] = []
    run, lines = uuid4(), 2 * PAGE + 1
    with orchestrated(platform), get_client(sync_client=True) as client:
        entry = LogCreate(
            name="a", level=20, message="", timestamp=now("UTC"), flow_run_id=run
        )
        for _page in range(lines // PAGE):
            client.create_logs([entry] * PAGE)
        client.create_logs([entry])

        assert tell_log(client, run, 0, told.append) == lines
        assert tell_log(client, run, lines, told.append) == lines
    assert len(told) == lines


def test_a_contract_error_is_not_retried(platform: Platform) -> None:
    assert attempts_until_it_fails_with(ContractError("bad"), platform) == 1


def test_a_home_that_is_deleted_in_the_middle_of_a_run_is_told_as_such(
    platform: Platform,
) -> None:
    log = server_process(platform.settings.home).log

    def read_what_is_gone() -> None:
        with orchestrated(platform):
            log.unlink()
            log.read_text("utf-8")

    with pytest.raises(BackendError, match=r"home folder .* was deleted in the middle"):
        read_what_is_gone()
    log.touch()


def test_an_api_that_fails_a_run_is_told_without_the_advice_of_its_library(
    platform: Platform,
) -> None:
    import httpx

    with (
        pytest.raises(BackendError, match=r"run: it answered 404 Not Found; check"),
        orchestrated(platform) as url,
    ):
        httpx.get(f"{url}/nothing", timeout=60).raise_for_status()


@pytest.fixture
def guarded_api() -> Iterator[str]:
    """An API that answers strangers by asking who they are."""
    with canned({}, authorization="Bearer of a key") as url:
        yield f"{url}/api"


def test_a_configured_api_is_used_and_no_server_started(
    tmp_path: Path, guarded_api: str
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    other = connect(Settings(home=tmp_path / "home"))

    with temporary_settings({PREFECT_API_URL: guarded_api}), orchestrated(other) as url:
        assert url == guarded_api

    assert not server_process(other.settings.home).running()
    assert not (tmp_path / "home").exists()


def test_a_configured_api_that_nobody_serves_is_named(tmp_path: Path) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    other = connect(Settings(home=tmp_path / "home"))
    absent = f"http://ann:hunter2@127.0.0.1:{free_port()}/api"

    with (
        temporary_settings({PREFECT_API_URL: absent}),
        pytest.raises(BackendError, match=r"PREFECT_API_URL names .*/api") as caught,
        orchestrated(other),
    ):
        pass

    assert "hunter2" not in str(caught.value)
    assert not (tmp_path / "home").exists()


def test_another_version_of_the_code_is_another_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mlops_common.orchestration.caching import content_key

    package = tmp_path / "uc0_coded"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "tasks.py").write_text("def work(rows): return rows\n", "utf-8")
    (package / "plain.py").write_text("X = 1\n", "utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    work = import_module("uc0_coded.tasks").work

    first = content_key(work, {"rows": 1})
    assert content_key(work, {"rows": 1}) == first
    assert content_key(work, {"rows": 2}) != first
    (package / "plain.py").write_text("X = 2\n", "utf-8")
    package_digest.cache_clear()
    assert content_key(work, {"rows": 1}) != first
