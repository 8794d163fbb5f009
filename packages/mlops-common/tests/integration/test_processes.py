import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from mlops_common import ports
from mlops_common.errors import BackendError
from mlops_common.ports import SERVERS, free_port
from mlops_common.processes import Identity, Process, wait_until

SLEEPER = [sys.executable, "-c", "import time; time.sleep(60)"]
STUBBORN = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(60)
"""
FAMILY = """
import subprocess, sys, time, signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Process]:
    process = Process(tmp_path, "program")
    yield process
    process.stop(grace=0)


def test_a_process_runs_until_it_is_stopped(process: Process) -> None:
    process.start(["sleep", "60"])
    assert process.running()

    process.stop()

    assert not process.running()
    process.stop()


def test_starting_what_runs_changes_nothing(process: Process) -> None:
    process.start(["sleep", "60"])
    first = process.identity()

    process.start(["sleep", "60"])

    assert process.identity() == first


def test_of_many_starters_at_once_one_wins(process: Process) -> None:
    code = "import time; print('one', flush=True); time.sleep(60)"

    def start(_number: int) -> Identity | None:
        process.start([sys.executable, "-c", code])
        return process.identity()

    with ThreadPoolExecutor(4) as pool:
        started = set(pool.map(start, range(4)))
    assert wait_until(lambda: process.tail() != "", 10)
    process.stop()

    assert len(started) == 1
    assert process.tail() == "one"


def test_output_goes_to_the_log(process: Process) -> None:
    process.start(
        ["sh", "-c", "echo out; echo error >&2; echo $COLOUR"], {"COLOUR": "red"}
    )

    assert wait_until(lambda: "red" in process.tail(), 10)
    assert process.tail().split() == ["out", "error", "red"]
    assert process.tail(lines=1) == "red"


def test_a_process_outlives_its_starter(process: Process) -> None:
    code = (
        "import os, signal, sys; from pathlib import Path; "
        "from mlops_common.processes import Process; "
        "Process(Path(sys.argv[1]), 'program').start(['sleep', '60']); "
        "os.kill(os.getpid(), signal.SIGKILL)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(process.folder)], check=False
    )

    assert done.returncode == -signal.SIGKILL
    assert process.running()


def test_a_number_that_was_given_to_another_process_is_not_killed(
    process: Process,
) -> None:
    with subprocess.Popen(SLEEPER) as stranger:
        record = {"pid": stranger.pid, "created": 1_000_000_000.0}
        (process.folder / "program.json").write_text(json.dumps(record), "utf-8")

        assert not process.running()
        process.stop()

        assert stranger.poll() is None
        stranger.kill()


def test_a_zombie_does_not_run() -> None:
    with subprocess.Popen(SLEEPER) as child:
        identity = Identity.of(child.pid)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
        assert not identity.alive()
        with pytest.raises(ProcessLookupError, match="zombie"):
            Identity.of(child.pid)


def test_what_does_not_end_in_good_order_is_killed(process: Process) -> None:
    process.start([sys.executable, "-c", STUBBORN])
    assert wait_until(lambda: "deaf" in process.tail(), 10)

    process.stop(grace=0.2)

    assert not process.running()


def test_killing_takes_the_processes_that_it_started(process: Process) -> None:
    process.start([sys.executable, "-c", FAMILY])
    assert wait_until(lambda: process.tail().strip().isdigit(), 10)
    child = Identity.of(int(process.tail()))

    process.stop(grace=0.2)

    assert wait_until(lambda: not child.alive(), 10)


def test_a_process_that_ends_just_before_it_is_killed_is_no_error(
    process: Process, monkeypatch: pytest.MonkeyPatch
) -> None:
    process.start([sys.executable, "-c", STUBBORN])
    assert wait_until(lambda: "deaf" in process.tail(), 10)
    identity = process.identity()
    assert identity is not None

    def too_late(pid: int) -> int:
        os.kill(pid, signal.SIGKILL)
        raise ProcessLookupError

    monkeypatch.setattr(os, "getpgid", too_late)
    identity.end(grace=0)

    assert not identity.alive()


def test_a_process_that_may_not_be_looked_at_is_none_of_ours(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    own = Identity.of(os.getpid())

    def forbidden(process: psutil.Process) -> float:
        raise psutil.AccessDenied(process.pid)

    monkeypatch.setattr(psutil.Process, "create_time", forbidden)

    assert not own.alive()


def test_a_damaged_record_hinders_nobody(process: Process) -> None:
    (process.folder / "program.json").write_text('{"pid": 1', "utf-8")

    process.start(["sleep", "60"])

    assert process.running()


def test_a_program_that_does_not_exist_is_told(process: Process) -> None:
    with pytest.raises(BackendError, match=r"cannot start program \(no-such-program\)"):
        process.start(["no-such-program"])

    assert not process.running()


def test_a_free_port_can_be_listened_on_and_is_no_client_s() -> None:
    port = free_port()

    with (
        socket.create_server(("127.0.0.1", port)) as server,
        socket.create_connection(("127.0.0.1", port)) as client,
    ):
        assert server.getsockname()[1] == port
        assert client.getsockname()[1] not in SERVERS


def test_a_port_that_is_listened_on_is_not_free(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.create_server(("127.0.0.1", free_port())) as server:
        port = server.getsockname()[1]
        monkeypatch.setattr(ports, "SERVERS", range(port, port + 1))
        monkeypatch.setattr(ports, "TRIES", 1)

        with pytest.raises(BackendError, match=f"between {port} and {port} is taken"):
            free_port()
