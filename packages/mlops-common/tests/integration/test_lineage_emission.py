"""Lineage on its way to a receiver that is there, away, slow, or refuses it."""

import json
import logging
import socket
from http import HTTPStatus
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.lineage.emission import emitter
from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.lineage.emission.emitters import SPOOL
from mlops_common.lineage.observation import JobRun, observed
from mlops_common.lineage.receivers.marquez import MarquezReceiver
from mlops_common.processes import LOOPBACK
from mlops_common.sections import LineageSettings
from mlops_common.settings import Settings
from mlops_common.testing.emission import WAIT, emit, emitter_of, eventually, runs
from mlops_common.testing.lineage import START, a_run
from mlops_common.testing.lineage_receiver import MarquezDouble

pytestmark = pytest.mark.usefixtures("patient")


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
    assert "HTTP 422" in kept


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
