"""Lineage on its way to a receiver that is there, away, slow, or refuses it."""

import json
import logging
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from base64 import b64encode
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mlops_common.bootstrap import Platform
from mlops_common.lineage import emitter, teller
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.emitter import Emitter
from mlops_common.lineage.emitters import SPOOL
from mlops_common.lineage.naming import stored
from mlops_common.lineage.observation import Failure, JobRun, observed
from mlops_common.lineage.receivers.marquez import MarquezReceiver
from mlops_common.lineage.statement import Statement
from mlops_common.processes import LOOPBACK
from mlops_common.sections import LineageSettings
from mlops_common.settings import Settings
from mlops_common.testing.lineage import START, a_run, an_observation
from mlops_common.testing.lineage_receiver import MarquezDouble, marquez_double
from mlops_common.testing.postgres import small_disk

PROGRAM = Path(__file__).with_name("emitting_lineage.py")
WAIT = 30.0  # seconds; on a busy machine


@pytest.fixture(autouse=True)
def _patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Try a receiver that is away again soon."""
    monkeypatch.setattr(teller, "FIRST_PAUSE", 0.05)
    monkeypatch.setattr(teller, "LONGEST_PAUSE", 0.05)
    monkeypatch.setattr(teller, "IDLE", 0.05)


@pytest.fixture
def marquez() -> Iterator[MarquezDouble]:
    with marquez_double() as double:
        yield double


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def lineage(marquez: MarquezDouble, home: Path) -> Iterator[Emitter]:
    started = emitter_of(marquez, home)
    yield started
    started.close()


def emitter_of(marquez: MarquezDouble, home: Path, **chosen: Any) -> Emitter:
    settings = LineageSettings(
        **{"url": marquez.url, "embedded": False, "timeout": 2} | chosen
    )
    found = Platform(Settings(home=home, lineage=settings)).lineage
    assert found is not None
    return found


def emit(lineage: Emitter, numbers: range) -> None:
    for number in numbers:
        lineage.emit(an_observation(number))


def runs(*numbers: int) -> list[str]:
    return [a_run(number) for number in numbers]


def run(marquez: MarquezDouble, home: Path, numbers: str, end: str) -> int:
    """Run the program that emits; return what it exited with."""
    command = [sys.executable, str(PROGRAM), marquez.url, str(home), numbers, end]
    done = subprocess.run(command, check=False, capture_output=True, timeout=60)
    assert done.stdout == b"emitted\n", done.stderr.decode()
    return done.returncode


def eventually(lineage: Emitter) -> None:
    """Wait until all was told, however often the receiver seemed away meanwhile."""
    for _ in range(int(WAIT / 0.05)):
        if lineage.flush(WAIT):
            return
        time.sleep(0.05)
    pytest.fail("not all was told")


def test_events_are_told_in_their_order(
    lineage: Emitter, marquez: MarquezDouble
) -> None:
    emit(lineage, range(20))

    eventually(lineage)
    assert marquez.runs == runs(*range(20))


def test_what_a_receiver_missed_is_told_when_it_is_back(
    lineage: Emitter, marquez: MarquezDouble
) -> None:
    emit(lineage, range(5))
    eventually(lineage)
    marquez.go()
    emit(lineage, range(5, 15))
    assert not lineage.flush(WAIT)

    marquez.come()
    emit(lineage, range(15, 20))
    eventually(lineage)

    assert [event["run"]["runId"] for event in marquez.requests] == runs(*range(20))


@pytest.mark.parametrize(
    "status",
    [
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.UNAUTHORIZED,
        HTTPStatus.NOT_FOUND,
        HTTPStatus.FOUND,
    ],
)
def test_what_a_receiver_does_not_take_is_kept_until_it_does(
    lineage: Emitter,
    marquez: MarquezDouble,
    status: HTTPStatus,
    caplog: pytest.LogCaptureFixture,
) -> None:
    marquez.status = status
    with caplog.at_level(logging.WARNING):
        emit(lineage, range(3))
        assert not lineage.flush(WAIT)
    assert "kept on disk and told later" in caplog.text

    marquez.status = None
    eventually(lineage)

    assert marquez.runs == runs(0, 1, 2)


def test_an_event_that_is_refused_stops_no_other(
    lineage: Emitter, marquez: MarquezDouble, home: Path
) -> None:
    emit(lineage, range(1))
    nameless = JobRun(run=a_run(7), job="")
    lineage.emit(observed("COMPLETE", nameless, START))
    emit(lineage, range(1, 2))

    eventually(lineage)
    assert marquez.runs == runs(0, 1)
    kept = (home / SPOOL / "refused.jsonl").read_text("utf-8")
    assert a_run(7) in kept
    assert "HTTP 400" in kept


def test_a_key_is_sent_and_is_nowhere_else(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with marquez_double(key="s3cret-key") as marquez:
        wrong = emitter_of(marquez, home, api_key=SecretStr("wr0ng-key"))
        with caplog.at_level(logging.DEBUG):
            emit(wrong, range(1))
            assert not wrong.flush(WAIT)
            wrong.close()
            right = emitter_of(marquez, home, api_key=SecretStr("s3cret-key"))
            emit(right, range(1, 2))
            eventually(right)
            right.close()

        assert marquez.runs == runs(0, 1)
        assert set(marquez.keys) == {"Bearer wr0ng-key", "Bearer s3cret-key"}
    assert "lineage.api_key" in caplog.text
    files = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    for secret in ("s3cret-key", "wr0ng-key"):
        assert secret not in caplog.text
        assert secret not in repr(right.__dict__)
        assert secret.encode() not in files


SECRETS = ("s3cret", "hunter2", "pa55word")


def test_no_secret_of_a_run_is_on_disk_or_told(
    lineage: Emitter, marquez: MarquezDouble, home: Path
) -> None:
    queries = (
        "SELECT a FROM dblink('host=h user=u password=s3cret', 'q')",
        "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'a', password 's3cret')",
        "ALTER ROLE a PASSWORD 's3cret' -- postgres://ann:hunter2@db",
    )
    address = "postgres://ann:hunter2@db/shop"
    said = Dataset(
        name=stored("s3://ann:hunter2@store/a"),
        uri=address,
        documentation=f"see {address}",
        facets={"login": {"password": "pa55word", "nested": {"api_key": "s3cret"}}},
    )
    known: dict[str, Any] = {
        "statements": tuple(Statement(query=query) for query in queries),
        "inputs": (said,),
        "outputs": (said,),
        "documentation": f"see {address}",
        "failure": Failure.of(OSError(f"{address} says password='pa55word'")),
        "facets": {"config": {"token": "s3cret", "text": f"at {address}"}},
    }
    for job in ("flow.task", ""):  # the receiver refuses the latter
        lineage.emit(observed("FAIL", JobRun(run=a_run(1), job=job), START, **known))
    eventually(lineage)

    assert (home / SPOOL / "refused.jsonl").stat().st_mode & 0o777 == 0o600
    files = [file for file in home.rglob("*") if file.is_file()]
    kept = b"".join(file.read_bytes() for file in files).decode()
    told = json.dumps(marquez.requests)
    assert "mlops_config" in told
    assert "mlops_login" in told
    for secret in SECRETS:
        assert secret not in kept
        assert secret not in told


def test_the_login_of_a_url_is_sent_and_logged_nowhere(
    marquez: MarquezDouble, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = marquez.url.replace("http://", "http://ann:hunter2@")
    with caplog.at_level(logging.DEBUG):
        lineage = emitter_of(marquez, home, url=url)
        emit(lineage, range(1))
        eventually(lineage)
        marquez.go()
        emit(lineage, range(1, 2))
        lineage.flush(WAIT)
        lineage.close()

    assert marquez.runs == runs(0)
    assert marquez.keys == [f"Basic {b64encode(b'ann:hunter2').decode()}"]
    assert "hunter2" not in caplog.text


def test_a_process_that_is_killed_loses_nothing_that_it_emitted(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    assert run(marquez, home, "0:10", "killed") == -9

    marquez.come()
    drained = emitter_of(marquez, home).drain(WAIT)

    assert (drained.told, drained.left, drained.problems) == (10, 0, {})
    assert marquez.runs == runs(*range(10))


def test_the_next_process_tells_what_a_killed_one_left_before_its_own(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    run(marquez, home, "0:5", "killed")
    marquez.come()

    assert run(marquez, home, "5:10", "ended") == 0
    assert marquez.runs == runs(*range(10))


def test_a_short_program_tells_everything_before_it_ends(
    marquez: MarquezDouble, home: Path
) -> None:
    assert run(marquez, home, "0:3", "ended") == 0

    assert marquez.runs == runs(0, 1, 2)


def test_a_fork_tells_its_own_and_nothing_twice(
    marquez: MarquezDouble, home: Path
) -> None:
    assert run(marquez, home, "0:3", "forked") == 0

    drained = emitter_of(marquez, home).drain(WAIT)
    assert drained.left == 0
    assert [event["run"]["runId"] for event in marquez.requests] == runs(0, 1, 2, 3)


def test_processes_on_one_home_tell_everything_once(
    marquez: MarquezDouble, home: Path
) -> None:
    command = [sys.executable, str(PROGRAM), marquez.url, str(home)]
    started = [
        subprocess.Popen([*command, f"{first}:{first + 50}", "ended"])
        for first in (0, 100, 200)
    ]
    assert [process.wait(60) for process in started] == [0, 0, 0]

    assert emitter_of(marquez, home).drain(WAIT).left == 0
    assert len(marquez.runs) == 150
    for first in (0, 100, 200):
        mine = runs(*range(first, first + 50))
        assert [one for one in marquez.runs if one in set(mine)] == mine


def test_while_one_process_waits_another_tells(
    marquez: MarquezDouble, home: Path
) -> None:
    command = [sys.executable, str(PROGRAM), marquez.url, str(home), "0:3", "lingering"]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        lineage = emitter_of(marquez, home)
        emit(lineage, range(3, 6))
        eventually(lineage)
        lineage.close()
        other.kill()

    assert marquez.runs == runs(*range(6))


def test_a_folder_that_cannot_be_written_keeps_lineage_in_memory(
    marquez: MarquezDouble, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    home.write_text("a file where a folder should be", "utf-8")
    lineage = emitter_of(marquez, home)
    with caplog.at_level(logging.WARNING):
        emit(lineage, range(5))

    eventually(lineage)
    lineage.close()
    assert marquez.runs == runs(*range(5))
    assert caplog.text.count("kept in memory") == 1


def test_a_disk_that_is_full_keeps_lineage_in_memory_until_it_is_not(
    marquez: MarquezDouble, tmp_path: Path
) -> None:
    home = tmp_path / "small"
    home.mkdir()
    with small_disk(home, 1):
        lineage = emitter_of(marquez, home)
        emit(lineage, range(2))
        eventually(lineage)
        filler = home / "filler"
        with filler.open("wb") as stream:
            free = os.statvfs(home).f_bavail * os.statvfs(home).f_frsize
            os.posix_fallocate(stream.fileno(), 0, free)
        marquez.go()
        emit(lineage, range(2, 60))
        assert not lineage.flush(WAIT)
        filler.unlink()
        emit(lineage, range(60, 62))
        lineage.close()
        marquez.come()

        assert emitter_of(marquez, home).drain(WAIT).left == 0
    assert marquez.runs == runs(*range(62))


def test_what_does_not_fit_on_disk_is_counted_as_lost(
    marquez: MarquezDouble, home: Path
) -> None:
    marquez.go()
    lineage = emitter_of(marquez, home, spool_mb=1)
    long = "x" * 60_000
    for number in range(40):
        seen = an_observation(number).model_copy(update={"documentation": long})
        lineage.emit(seen)
    lineage.close()

    marquez.come()
    drained = emitter_of(marquez, home, spool_mb=1).drain(WAIT)
    assert drained.lost > 0
    assert drained.told + drained.lost == 40
    assert marquez.runs == runs(*range(drained.lost, 40))


def test_a_facet_of_ten_megabytes_costs_itself_alone(
    lineage: Emitter, marquez: MarquezDouble
) -> None:
    run = JobRun(run=a_run(1), job="flow.task")
    facets = {"huge": {"text": "x" * 10_000_000}, "attempt": {"number": 1}}
    lineage.emit(observed("COMPLETE", run, START, facets=facets))

    eventually(lineage)
    told = marquez.events[0]["run"]["facets"]
    assert "more than" in told["mlops_huge"]["stripped"]
    assert told["mlops_attempt"]["number"] == 1


def test_a_receiver_that_never_answers_delays_no_run(home: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}"
        settings = LineageSettings(url=url, embedded=False, timeout=60)
        lineage = Platform(Settings(home=home, lineage=settings)).lineage
        assert lineage is not None
        emit(lineage, range(100))

        assert not lineage.flush(0.1)
        lineage.close(0.1)
    assert lineage.folder.size(1) > 0


def test_the_end_of_a_program_waits_for_no_silent_receivers(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Were it to wait for each of them, or for long, the emitter would be told so."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        url = f"http://{LOOPBACK}:{silent.getsockname()[1]}"
        lineage = Emitter(
            home / SPOOL,
            1 << 20,
            lambda: [
                MarquezReceiver(
                    LineageSettings(url=url, endpoint=f"{name}", timeout=600)
                )
                for name in ("one", "two", "three")
            ],
            json.loads,
        )
        monkeypatch.setattr(emitter, "SILENCE", 0.2)
        emit(lineage, range(1))
        tellers = list(lineage._tellers)
        lineage.close(600)  # would be waited for but for the silence

    assert len(tellers) == 3
    assert all(teller._closed.is_set() for teller in tellers)
    assert lineage.folder.size(1) > 0


def test_what_is_emitted_where_no_thread_starts_is_written_down_and_told_later(
    marquez: MarquezDouble,
    home: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def no_thread(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    lineage = emitter_of(marquez, home, timeout=7)
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", no_thread)
        emit(lineage, range(3))
        assert not lineage.flush(WAIT)
    assert caplog.text.count("told later") == 1

    emit(lineage, range(3, 5))
    eventually(lineage)
    lineage.close()
    assert marquez.runs == runs(*range(5))


def test_nothing_is_waited_for_where_the_home_is_deleted(
    lineage: Emitter, marquez: MarquezDouble, home: Path
) -> None:
    emit(lineage, range(10, 30))
    eventually(lineage)
    marquez.go()
    emit(lineage, range(3))
    shutil.rmtree(home)

    assert lineage.flush(WAIT)
    emit(lineage, range(3, 5))
    marquez.come()
    eventually(lineage)
    assert marquez.runs[-2:] == runs(3, 4)


def test_an_emission_within_an_emission_is_told_too(
    lineage: Emitter, marquez: MarquezDouble
) -> None:
    """As a signal does that ends a run while it emits."""
    with lineage._lock:
        emit(lineage, range(1))

    eventually(lineage)
    assert marquez.runs == runs(0)


def test_where_lineage_is_off_there_is_nothing(home: Path) -> None:
    for settings in (
        LineageSettings(enabled=False, url="http://marquez:5000"),
        LineageSettings(embedded=False),
    ):
        assert Platform(Settings(home=home, lineage=settings)).lineage is None
    assert not home.exists()


def test_all_tasks_of_a_process_share_one_emitter(
    marquez: MarquezDouble, home: Path
) -> None:
    assert emitter_of(marquez, home) is emitter_of(marquez, home)
    assert emitter_of(marquez, home) is not emitter_of(marquez, home, timeout=3)
