"""The keeper, with small parts: what dies is started again, and nothing is orphaned."""

import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from mlops_common import log_files, web
from mlops_common.errors import BackendError
from mlops_common.parts import program, watch
from mlops_common.parts.folder import PlatformFolder, Progress
from mlops_common.parts.keeper import Keeper
from mlops_common.parts.lowering import lower, recorded
from mlops_common.parts.program import Program
from mlops_common.processes import LOOPBACK, Identity, wait_until
from mlops_common.testing.parts import PATIENCE, platform_folder

Keep = Callable[[Iterable[Program]], None]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[PlatformFolder]:
    with platform_folder(tmp_path) as folder:
        yield folder


@pytest.fixture
def keep(folder: PlatformFolder) -> Iterator[Keep]:
    """Keep parts running by a keeper that is a thread of this process."""
    threads: list[tuple[Keeper, threading.Thread]] = []

    def start(parts: Iterable[Program]) -> None:
        found = list(parts)
        keeper = Keeper(folder, lambda: found)
        thread = threading.Thread(target=keeper.run)
        thread.start()
        threads.append((keeper, thread))

    yield start
    for keeper, thread in threads:
        keeper.stop()
        thread.join(PATIENCE)


def page(folder: PlatformFolder, name: str = "page") -> Program:
    """A server of files, on the leash."""
    return Program(
        folder,
        name,
        "Page",
        command=lambda port: ("http.server", str(port), "--bind", LOOPBACK),
        environment=lambda _port: {},
        health="/",
        page=True,
    )


def progress(folder: PlatformFolder, name: str = "page") -> Progress:
    return folder.last_report().parts.get(name, Progress())


def runs(folder: PlatformFolder, name: str = "page") -> bool:
    return progress(folder, name).state == "running"


def identity(part: Program) -> Identity:
    found = part.identity()
    assert found is not None
    return found


def test_a_part_that_dies_is_started_again_and_that_is_told(
    folder: PlatformFolder, keep: Keep
) -> None:
    part, needy = page(folder), page(folder, "needy")
    keep([part, replace(needy, after=("page",))])
    assert wait_until(lambda: runs(folder) and runs(folder, "needy"), PATIENCE)
    first, port = identity(part), part.port()

    first.signal(signal.SIGKILL)

    assert wait_until(lambda: progress(folder).restarts == 1, PATIENCE)
    assert wait_until(lambda: runs(folder), PATIENCE)
    assert part.healthy()
    assert identity(part) != first
    assert part.port() == port
    assert "it died after" in progress(folder).problem
    assert progress(folder, "needy").restarts == 0


def test_a_part_that_cannot_start_is_tried_again_after_longer_pauses(
    folder: PlatformFolder, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    paused: list[int] = []

    def pause_after(failures: int) -> float:
        paused.append(failures)
        return 0.05

    monkeypatch.setattr(watch, "pause_after", pause_after)
    broken = Program(
        folder,
        "broken",
        "Broken",
        command=lambda _port: ("no_such_module",),
        environment=lambda _port: {},
    )

    keep([broken, page(folder)])

    assert wait_until(lambda: len(paused) >= 3, PATIENCE)
    assert paused[:3] == [1, 2, 3]
    assert "No module named no_such_module" in progress(folder, "broken").problem
    assert wait_until(lambda: runs(folder), PATIENCE)


def test_a_part_that_hangs_is_ended_and_started_again(
    folder: PlatformFolder, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module, name in ((watch, "PULSE"), (watch, "SILENCE"), (program, "GRACE")):
        monkeypatch.setattr(module, name, 0.5)
    part = page(folder)
    keep([part])
    assert wait_until(lambda: runs(folder), PATIENCE)
    first = identity(part)

    first.signal(signal.SIGSTOP)

    assert wait_until(lambda: progress(folder).restarts == 1, PATIENCE)
    assert not first.alive()
    assert wait_until(lambda: runs(folder), PATIENCE)
    assert part.healthy()
    assert "it did not answer for" in progress(folder).problem


def test_a_part_that_says_that_something_is_wrong_goes_on(
    folder: PlatformFolder, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PULSE", "SILENCE"):
        monkeypatch.setattr(watch, name, 0.1)
    asked: list[bool] = []
    part = page(folder)
    part.start()
    # As a worker answers whose API is away.
    unwell = replace(part, health="/absent")
    monkeypatch.setattr(Program, "start", lambda _part: None)

    def answers(unwell: Program) -> bool:
        asked.append(web.answers(unwell._address))
        return asked[-1]

    monkeypatch.setattr(Program, "answers", answers)
    keep([unwell])

    assert wait_until(lambda: len(asked) > 5, PATIENCE)
    assert all(asked)
    assert not unwell.healthy()
    assert progress(folder).restarts == 0


def test_a_log_that_grows_is_begun_anew_while_it_is_written(
    folder: PlatformFolder, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    short = partial(log_files.bound, limit=200)
    monkeypatch.setattr("mlops_common.parts.keeper.bound", short)
    part = page(folder)
    keep([part])
    assert wait_until(lambda: runs(folder), PATIENCE)
    folder.keeper.log.write_text("k" * 300, "utf-8")

    def grown() -> bool:
        web.healthy(part.url())
        return log_files.older(part.log).exists()

    assert wait_until(grown, PATIENCE)
    assert wait_until(log_files.older(folder.keeper.log).exists, PATIENCE)
    web.healthy(part.url())
    assert wait_until(lambda: b"GET /" in part.log.read_bytes(), PATIENCE)
    assert b"\0" not in part.log.read_bytes()


def test_a_keeper_takes_over_what_runs_and_what_was_told(
    folder: PlatformFolder, keep: Keep
) -> None:
    part = page(folder)
    part.start()
    before = identity(part)

    keep([part])

    assert wait_until(lambda: runs(folder), PATIENCE)
    assert identity(part) == before
    assert progress(folder).restarts == 0


def test_a_part_ends_by_itself_where_no_keeper_is_wanted(
    folder: PlatformFolder,
) -> None:
    part = page(folder)
    part.start()
    left = identity(part)

    folder.forget()
    folder.keeper.stop(grace=0)

    assert wait_until(lambda: not left.alive(), PATIENCE)


def test_what_is_stopped_is_found_by_its_record_and_its_log_stays(
    folder: PlatformFolder,
) -> None:
    part = page(folder)
    part.start()
    left = identity(part)

    assert list(lower(folder)) == ["keeper", "page"]

    assert not left.alive()
    assert [one.name for one in recorded(folder)] == ["page"]
    assert part.log.exists()


def test_a_port_that_a_stranger_took_is_left_to_him(folder: PlatformFolder) -> None:
    part = page(folder)
    before = part.remembered.settled()

    with socket.create_server((LOOPBACK, before)):
        part.start()
        found = part.port()
        assert part.healthy()

    assert found not in {None, before}
    assert part.remembered.settled() != before


def test_a_part_that_ends_at_its_start_says_why(folder: PlatformFolder) -> None:
    part = Program(
        folder,
        "broken",
        "Broken",
        command=lambda _port: ("http.server", "no-port"),
        environment=lambda _port: {},
    )

    with pytest.raises(BackendError, match=r"(?s)Broken ended; see .*no-port"):
        part.start()


def test_of_two_at_once_the_second_waits(folder: PlatformFolder) -> None:
    order: list[str] = []

    def second() -> None:
        with folder.turn():
            order.append("second")

    with folder.turn():
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(0.5)
        order.append("first")
    thread.join(PATIENCE)

    assert order == ["first", "second"]
