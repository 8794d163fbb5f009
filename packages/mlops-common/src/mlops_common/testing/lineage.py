"""The contract of every receiver of lineage, and events to tell it."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import TypeAlias

from mlops_common.lineage.event import Defaults, event
from mlops_common.lineage.naming import run_id
from mlops_common.lineage.observation import JobRun, Observation, observed
from mlops_common.lineage.receivers.base import Event, Receiver
from mlops_common.testing.full_observation import full

Taken: TypeAlias = Callable[[], list[str]]

START = datetime(2026, 1, 31, tzinfo=UTC)
DEFAULTS = Defaults("tests", "team:tests")


def an_observation(number: int) -> Observation:
    """Return the end of a run, a second after that of the number before."""
    run = JobRun(run=a_run(number), job="flow.task")
    return observed("COMPLETE", run, START + timedelta(seconds=number))


def a_run(number: int) -> str:
    """Return the id of a run."""
    return run_id("run", str(number))


def an_event(number: int) -> Event:
    """Return the event of the end of a run."""
    return event(an_observation(number), DEFAULTS)


class ReceiverContract:
    """Inherit, provide the fixtures `receiver` and `taken`, and the contract runs.

    `receiver` was told nothing yet; `taken` returns the ids of the runs whose events
    it took, in their order.
    """

    def test_what_is_told_is_there_in_its_order(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """Whatever it takes at once."""
        told = [an_event(number) for number in range(5)]
        for start in range(0, 5, receiver.most):
            assert list(receiver.take(told[start : start + receiver.most])) == []

        assert taken() == [a_run(number) for number in range(5)]

    def test_what_is_told_twice_is_there_once(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """A process that was killed may have told what it could not note as told."""
        for _ in range(2):
            receiver.take([an_event(1)])

        assert taken() == [a_run(1)]

    def test_all_that_can_be_told_of_a_run_or_a_job_is_taken(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """A receiver may ask more of a facet than OpenLineage does."""
        run = {"run": a_run(1), "namespace": DEFAULTS.namespace}
        whole = full().model_copy(update=run)
        job = whole.model_copy(update={"run": "", "state": "OTHER"})
        for seen in (whole, job):
            assert list(receiver.take([event(seen, DEFAULTS)])) == []

        assert a_run(1) in taken()

    def test_a_malformed_event_is_refused_with_a_reason(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """It is told by its place, and is no error: telling it again cannot help."""
        (refused,) = receiver.take([{**an_event(1), "job": {"namespace": "tests"}}])

        assert refused.index == 0
        assert refused.reason
        assert taken() == []

    def test_an_event_that_cannot_be_read_is_refused_with_a_reason(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """The events behind it must not wait for it for ever."""
        (refused,) = receiver.take([{**an_event(1), "eventTime": "yesterday"}])

        assert refused.reason
        assert taken() == []

    def test_it_takes_more_after_it_was_closed(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """Closing ends connections, not the receiver."""
        receiver.take([an_event(1)])
        receiver.close()
        receiver.take([an_event(2)])

        assert taken() == [a_run(1), a_run(2)]

    def test_nothing_is_taken_where_nothing_is_told(
        self, receiver: Receiver, taken: Taken
    ) -> None:
        """An empty batch is no error."""
        assert list(receiver.take([])) == []
        assert taken() == []

    def test_its_name_is_fit_for_a_file(self, receiver: Receiver) -> None:
        """The name says how far it was told, in every process."""
        assert re.fullmatch(r"[a-z0-9-]{1,40}", receiver.name)
