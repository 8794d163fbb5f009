"""`mlops logs -f` and the question of `mlops down`, as a user meets them."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.orchestration.deployments.running import HOME, MARK, RUN, running
from mlops_common.parts.folder import Plan, PlatformFolder
from mlops_common.processes import wait_until
from mlops_common.testing.command import COMMAND
from mlops_common.testing.terminal import mlops_in_terminal

PATIENCE = 60.0  # seconds
NUMBER = "4711"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> PlatformFolder:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    folder = PlatformFolder(tmp_path / "home")
    folder.decide(Plan())
    return folder


def test_a_log_is_followed_until_it_is_interrupted(folder: PlatformFolder) -> None:
    log = folder.keeper.log
    log.write_text("long ago\nbefore\n", "utf-8")
    words = ("logs", "keeper", "-f", "--lines", "1")
    with subprocess.Popen(
        [sys.executable, *COMMAND, *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        assert command.stdout is not None
        assert command.stdout.readline() == "before\n"
        for line in ("first\n", "second\n"):
            with log.open("a", encoding="utf-8") as stream:
                stream.write(line)
            assert command.stdout.readline() == line

        command.send_signal(signal.SIGINT)
        out, err = command.communicate(timeout=PATIENCE)

    assert command.returncode == 130
    assert (out, err) == ("", "")


@pytest.fixture
def flow_run(folder: PlatformFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A process as that of a flow run in this home."""
    variables = {HOME: str(folder.home), MARK: str(folder.home), RUN: NUMBER}
    with subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(300)"],
        env={**os.environ, **variables},
    ) as process:
        assert wait_until(lambda: bool(running(folder.home)), PATIENCE)
        yield process
        process.kill()


@pytest.mark.parametrize("answer", ["n\n", "\n"])
def test_down_changes_nothing_where_a_user_says_no(
    folder: PlatformFolder, flow_run: subprocess.Popen[bytes], answer: str
) -> None:
    shown = mlops_in_terminal("down", typed=answer)

    assert f"flow runs go on: {NUMBER}. Cancel them? [y/N]" in shown.screen
    assert shown.code == 1
    assert "Traceback" not in shown.screen
    assert shown.out.strip() == ""
    assert flow_run.poll() is None
    assert folder.plan() == Plan()


def test_down_cancels_the_runs_where_a_user_says_yes(
    folder: PlatformFolder, flow_run: subprocess.Popen[bytes]
) -> None:
    shown = mlops_in_terminal("down", typed="y\n")

    assert f"flow runs go on: {NUMBER}. Cancel them? [y/N]" in shown.screen
    assert shown.code == 0, shown.screen
    assert f"cancelled {NUMBER}\n" in shown.out
    assert flow_run.wait(PATIENCE) == -signal.SIGKILL
    assert folder.plan() is None
