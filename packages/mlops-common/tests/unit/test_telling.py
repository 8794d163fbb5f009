"""How runs are told: each ends once, and none for what is told of it."""

import os
import threading
from uuid import uuid4

import pytest

from mlops_common.lineage.observation import JobRun, Observation
from mlops_common.orchestration.lineage import telling
from mlops_common.orchestration.lineage.told_run import ToldRun, begun, open_runs

PATIENCE = 30.0  # seconds


class Heard:
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[Observation] = []

    def emit(self, seen: Observation) -> None:
        self.told.append(seen)

    def flush(self, timeout: float) -> bool:
        return timeout > 0

    def states(self, job: str) -> list[str]:
        return [one.state for one in self.told if one.job == job]


@pytest.fixture
def heard() -> Heard:
    return Heard()


def a_flow(heard: Heard) -> ToldRun:
    return ToldRun(heard, JobRun(run=str(uuid4()), job="flow"))


def a_step(heard: Heard, flow: ToldRun) -> ToldRun:
    run = JobRun(run=str(uuid4()), job="flow.step")
    return ToldRun(heard, run, parent=flow.run)


def test_a_run_goes_on_where_the_system_has_no_thread_left(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", refuse)
    done = []

    with telling.told(a_flow(heard)):
        done.append(1)

    assert done == [1]
    assert heard.states("flow") == ["START", "COMPLETE"]


def test_a_step_that_outlives_its_stopped_flow_ends_once(heard: Heard) -> None:
    flow = a_flow(heard)
    step = a_step(heard, flow)
    began, go_on = threading.Event(), threading.Event()

    def work() -> None:
        with telling.told(step):
            began.set()
            assert go_on.wait(PATIENCE)

    thread = threading.Thread(target=work)
    with pytest.raises(KeyboardInterrupt), telling.told(flow):  # noqa: PT012
        thread.start()
        assert began.wait(PATIENCE)
        raise KeyboardInterrupt
    go_on.set()
    thread.join()

    assert heard.states("flow") == ["START", "ABORT"]
    assert heard.states("flow.step") == ["START", "ABORT"]


def test_a_run_that_ended_tells_neither_life_nor_another_try(heard: Heard) -> None:
    flow = a_flow(heard)
    with telling.told(flow):
        flow.pulse()

    flow.pulse()
    flow.complete()
    with telling.told(flow):
        pass

    assert heard.states("flow") == ["START", "RUNNING", "COMPLETE"]
    assert open_runs() == []


def test_a_step_whose_next_try_never_comes_ends_with_its_flow(heard: Heard) -> None:
    flow = a_flow(heard)
    step = a_step(heard, flow)
    with pytest.raises(OSError, match="no answer"), telling.told(flow):  # noqa: PT012
        with (
            pytest.raises(ValueError, match="at first"),
            telling.told(step, lambda _: True),
        ):
            raise ValueError("at first")
        raise OSError("no answer while it waits")

    assert heard.states("flow.step") == ["START", "FAIL"]
    [end] = [one for one in heard.told if one.job != "flow" and one.state == "FAIL"]
    assert end.failure is not None
    assert end.failure.message == "ValueError: at first"


def test_an_error_that_cannot_be_shown_ends_its_run_all_the_same(heard: Heard) -> None:
    class Mute(Exception):  # noqa: N818
        def __str__(self) -> str:
            raise ValueError("says nothing")

        __repr__ = __str__

    flow = a_flow(heard)
    with pytest.raises(Mute), telling.told(flow):
        raise Mute

    assert heard.states("flow") == ["START", "FAIL"]
    assert begun(flow.run.run) is None


def test_a_second_try_tells_that_it_lives(
    heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(telling, "PULSE", 0.01)
    flow = a_flow(heard)
    with pytest.raises(OSError, match="first"), telling.told(flow, lambda _: True):
        raise OSError("first")
    before = len(heard.told)

    with telling.told(flow):
        waiting = threading.Event()
        while len(heard.told) < before + 2:
            waiting.wait(0.01)

    assert heard.states("flow")[-1] == "COMPLETE"
    assert heard.states("flow").count("RUNNING") > 1


def test_runs_that_begin_meanwhile_do_not_hinder_an_end(heard: Heard) -> None:
    flow = a_flow(heard)
    stop = threading.Event()

    def churn() -> None:
        number = 0
        while not stop.is_set():
            number += 1
            one = ToldRun(Heard(), JobRun(run=f"churn-{number}", job="other"))
            with telling.told(one):
                pass

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        for _ in range(2_000):
            open_runs()
        with pytest.raises(KeyboardInterrupt), telling.told(flow):
            raise KeyboardInterrupt
    finally:
        stop.set()
        thread.join()

    assert heard.states("flow") == ["START", "ABORT"]


def test_a_fork_does_not_end_the_runs_of_its_parent(heard: Heard) -> None:
    flow = a_flow(heard)
    with telling.told(flow):
        child = os.fork()
        if child == 0:  # pragma: no cover - in another process
            told = len(heard.told)
            flow.abort("by a fork")
            os._exit(len(heard.told) - told)
        assert os.waitpid(child, 0)[1] == 0

    assert heard.states("flow") == ["START", "COMPLETE"]
