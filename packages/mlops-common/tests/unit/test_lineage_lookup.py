import logging
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from uuid import uuid4

import pytest

from mlops_common.lineage.dataset import Dataset, columns
from mlops_common.lineage.naming import stored
from mlops_common.lineage.observation import JobRun, Observation
from mlops_common.lineage.recording import looks_up, reads, recording
from mlops_common.orchestration.telling import told
from mlops_common.orchestration.told_run import ToldRun

ORDERS = Dataset(name=stored("/data/orders.csv"))
FIELDS = columns({"id": "int64"})


def test_what_another_thread_finds_is_an_input_once_it_is_settled() -> None:
    asked: list[str] = []

    def find() -> Iterator[Dataset]:
        asked.append(threading.current_thread().name)
        yield ORDERS.model_copy(update={"fields": FIELDS})

    with recording() as run:
        reads(ORDERS.model_copy(update={"rows": 3}))
        looks_up(find)
    run.settle()

    assert asked == ["lineage-lookup"]
    (found,) = run.inputs
    assert (found.name, found.rows, found.fields) == (ORDERS.name, 3, FIELDS)


def test_a_run_does_not_wait_while_an_answer_is_awaited(
    caplog: pytest.LogCaptureFixture,
) -> None:
    answered = threading.Event()

    def find() -> list[Dataset]:
        answered.wait()
        return [ORDERS]

    with recording() as run:
        looks_up(find)
        assert not run.inputs
        with caplog.at_level(logging.WARNING):
            run.settle(0.01)
    assert not run.inputs
    assert "no answer in time" in caplog.text

    with recording() as later:  # comes after it
        answered.set()
        looks_up(lambda: [ORDERS])
    later.settle(60)
    assert later.inputs == run.inputs == (ORDERS,)


def test_an_error_of_a_look_up_ends_neither_the_run_nor_the_next_one(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def break_off() -> Iterator[Dataset]:
        yield ORDERS
        raise OSError("no answer from postgres://ann:s3cret@db")

    with recording() as run, caplog.at_level(logging.WARNING):
        looks_up(break_off)
        looks_up(lambda: [Dataset(name=stored("/data/spend.csv"))])
    run.settle(60)

    assert [dataset.name.name for dataset in run.inputs] == [
        "/data/orders.csv",
        "/data/spend.csv",
    ]
    assert "ann:***@db" in caplog.text


def test_nothing_is_looked_up_where_nobody_listens() -> None:
    looks_up(lambda: pytest.fail("asked"))
    with recording() as run:
        looks_up(lambda: [ORDERS])  # after the one before, were it looked up
    run.settle(60)

    assert run.inputs == (ORDERS,)


class Heard:
    """Keeps what is told."""

    def __init__(self) -> None:
        self.seen: list[Observation] = []

    def emit(self, seen: Observation) -> None:
        self.seen.append(seen)

    def flush(self, _: float) -> bool:
        return True


@pytest.mark.parametrize("error", [None, ValueError("no rows")])
def test_the_end_of_a_run_tells_what_was_looked_up(error: ValueError | None) -> None:
    heard = Heard()

    def find() -> list[Dataset]:
        time.sleep(0.05)  # longer than the run
        return [ORDERS]

    with (
        suppress(ValueError),
        told(ToldRun(heard, JobRun(run=str(uuid4()), job="flow"))),
    ):
        looks_up(find)
        if error is not None:
            raise error

    start, end = heard.seen
    assert (start.state, start.inputs) == ("START", ())
    assert (end.state, end.inputs) == ("FAIL" if error else "COMPLETE", (ORDERS,))
