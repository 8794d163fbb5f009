"""The examination of all systems: in parallel, bounded, and without secrets."""

import threading
from collections.abc import Callable, Iterator

import pytest

from mlops_common.doctor import Diagnosis, examine
from mlops_common.errors import BackendError
from mlops_common.health import Health, found


@pytest.fixture
def blocked() -> Iterator[threading.Event]:
    """An event that is set at the end, so that no thread of a test lives on."""
    event = threading.Event()
    yield event
    event.set()


def raising(error: Exception) -> Callable[[], Health]:
    def probe() -> Health:
        raise error

    return probe


def by_system(diagnoses: Iterator[Diagnosis]) -> dict[str, Health]:
    return {diagnosis.system: diagnosis.health for diagnosis in diagnoses}


def test_a_system_that_hangs_is_down_and_hinders_no_other(
    blocked: threading.Event,
) -> None:
    def hangs() -> Health:
        blocked.wait()
        return found("never")

    wanted = {"slow": hangs, "quick": lambda: found("here", version="1")}

    health = by_system(examine(wanted, deadline=0.2))

    assert health["quick"] == Health("ok", "here", "1")
    assert health["slow"].state == "down"
    assert health["slow"].remedies == (
        "it did not answer within 0.2 s; see that it runs, or give it longer by "
        "--deadline where this machine is busy",
    )


def test_systems_are_examined_at_the_same_time() -> None:
    together = threading.Barrier(3)

    def meets() -> Health:
        together.wait(timeout=30)
        return found("met")

    health = by_system(examine(dict.fromkeys("abc", meets), deadline=60))

    assert {one.state for one in health.values()} == {"ok"}


def test_an_error_of_ours_says_what_to_do_and_hides_passwords() -> None:
    error = BackendError("http://ann:hunter2@db cannot be reached; start it")

    health = by_system(examine({"db": raising(error)}))["db"]

    assert health.state == "down"
    assert health.remedies == ("http://ann:***@db cannot be reached; start it",)


def test_a_mistake_in_one_examination_ends_no_other() -> None:
    wanted = {"a": raising(KeyError("oops")), "b": lambda: found("here")}

    health = by_system(examine(wanted))

    assert health["a"].remedies == ("unexpected KeyError: 'oops'",)
    assert health["b"].state == "ok"
