"""Runs of flows that go on while the platform is started or stopped."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_common.bootstrap import connect
from mlops_common.errors import BackendError, ConfigError, RefusedError
from mlops_common.orchestration.deployments.running import (
    HOME,
    MARK,
    RUN,
    kill,
    running,
)
from mlops_common.orchestration.presence import present
from mlops_common.parts.folder import Plan, PlatformFolder
from mlops_common.parts.lowering import check_idle
from mlops_common.parts.raising import up
from mlops_common.processes import Process, wait_until
from mlops_common.settings import Settings
from mlops_common.testing.canned import canned
from mlops_common.testing.parts import PATIENCE, SLEEPER, platform_folder


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[PlatformFolder]:
    with platform_folder(tmp_path) as folder:
        yield folder


@pytest.fixture
def flow_run(folder: PlatformFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A process with a child, as those of a flow run in this home."""
    code = f"import subprocess; subprocess.run({SLEEPER})"
    variables = {HOME: str(folder.home), MARK: str(folder.home), RUN: "4711"}
    with subprocess.Popen([sys.executable, "-c", code], env=variables) as process:
        yield process
        process.kill()


def test_a_run_that_goes_on_is_named_and_its_children_are_its_own(
    folder: PlatformFolder, flow_run: subprocess.Popen[bytes]
) -> None:
    def family() -> int:
        return sum(len(run.processes) for run in running(folder.home))

    assert wait_until(lambda: family() == 2, PATIENCE)
    (run,) = running(folder.home)
    assert run.ours
    with pytest.raises(RefusedError, match=r"4711.*mlops down --force") as caught:
        check_idle(folder)
    assert caught.value.evidence == {"runs": ["4711"]}

    kill([run])

    assert not any(process.alive() for process in run.processes)
    flow_run.wait(PATIENCE)
    check_idle(folder)


@contextmanager
def recorded_run(home: Path, state: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a process for 2 s as that of a flow run of which an API tells the state."""
    told = {"name": "churn v1", "state_type": state}
    code = "import time; time.sleep(2)"
    with canned({"/api/flow_runs/4711": (200, told)}) as url:
        variables = {HOME: str(home), RUN: "4711", "PREFECT_API_URL": f"{url}/api"}
        with subprocess.Popen([sys.executable, "-c", code], env=variables) as process:
            assert wait_until(lambda: bool(running(home)), PATIENCE)
            yield process


def test_a_run_that_ended_may_clear_up(folder: PlatformFolder) -> None:
    with recorded_run(folder.home, "COMPLETED") as process:
        check_idle(folder)

        assert process.poll() is not None


def test_a_run_that_did_not_end_is_not_waited_for(folder: PlatformFolder) -> None:
    with recorded_run(folder.home, "RUNNING") as process:
        with pytest.raises(RefusedError, match=r"flow runs go on: churn v1;"):
            check_idle(folder)

        assert process.poll() is None


def test_a_run_without_a_worker_is_named_too(folder: PlatformFolder) -> None:
    with present(folder.home, "UC1"):
        (run,) = running(folder.home)
        with pytest.raises(RefusedError, match=r"flow runs go on: UC1 \(process"):
            check_idle(folder)
    (folder.home / "runs" / "1.json").write_text('{"name": "killed"', "utf-8")

    assert os.getpid() in {process.pid for process in run.processes}
    check_idle(folder)


def test_an_api_that_refuses_the_key_changes_nothing_either(
    folder: PlatformFolder,
) -> None:
    from prefect.settings import PREFECT_API_KEY, PREFECT_API_URL, temporary_settings

    keeper = folder.keeper.identity()

    with canned({}, authorization="Bearer right") as url:
        wrong = {PREFECT_API_URL: f"{url}/api", PREFECT_API_KEY: "wr0ng"}
        with (
            temporary_settings(wrong),
            pytest.raises(ConfigError, match="does not admit us") as caught,
        ):
            up(connect(Settings(home=folder.home)))

    assert "wr0ng" not in str(caught.value)
    assert folder.plan() == Plan()
    assert folder.keeper.identity() == keeper


def test_a_run_of_a_worker_by_hand_is_known_by_its_number(
    folder: PlatformFolder,
) -> None:
    with present(folder.home, "UC1", run="4711", api="http://127.0.0.1:9/api"):
        (run,) = running(folder.home)

    assert (run.id, run.api, run.ours) == ("4711", "http://127.0.0.1:9/api", False)


def test_an_api_that_is_away_changes_nothing_of_what_runs(
    folder: PlatformFolder,
) -> None:
    from prefect.settings import PREFECT_API_URL, temporary_settings

    keeper = folder.keeper.identity()

    with (
        temporary_settings({PREFECT_API_URL: "http://127.0.0.1:9/api"}),
        pytest.raises(BackendError, match="no Prefect API can be reached"),
    ):
        up(connect(Settings(home=folder.home)))

    assert folder.plan() == Plan()
    assert folder.keeper.identity() == keeper


def test_what_a_run_leaves_running_is_no_part_of_it(
    folder: PlatformFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ((HOME, str(folder.home)), (RUN, "4711")):
        monkeypatch.setenv(name, value)
    process = Process(folder.parts, "left")

    process.start(SLEEPER)

    assert process.running()
    assert running(folder.home) == []
