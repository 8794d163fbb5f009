"""Answers as a terminal shows them."""

import pytest

from uc4_lineage.commands import tables
from uc4_lineage.graph import Direction
from uc4_lineage.node import Node
from uc4_lineage.questions.closure import Closure
from uc4_lineage.questions.gaps import Stale, StaleDataset
from uc4_lineage.questions.history import Diff, State
from uc4_lineage.testing.events import minute

JOB = Node.job("etl", "serve")
MODEL, ENDPOINT = (
    Node.dataset(space, "churn") for space in ("mlflow://m", "kserve://k")
)
EDGES = ((MODEL, JOB), (JOB, ENDPOINT))


def test_an_answer_about_the_past_says_of_when_it_is(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables.closure(Closure(MODEL, Direction.UP, ()))
    tables.closure(Closure(MODEL, Direction.UP, (), minute(5)))

    lines = capsys.readouterr().out.splitlines()

    assert lines[0] == "What dataset:mlflow://m:churn was made from:"
    assert lines[2].endswith(" was made from at 2026-01-01T00:05:00Z:")


def test_before_the_first_event_nothing_is_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    tables.state(State(minute(5), (), (), ()))

    assert capsys.readouterr().out == "nothing is known at 2026-01-01T00:05:00Z\n"


def test_stale_datasets_of_one_name_are_told_apart(
    capsys: pytest.CaptureFixture[str],
) -> None:
    still = [StaleDataset(node, minute(5), 8.0) for node in (MODEL, ENDPOINT)]

    tables.stale(Stale(tuple(still), ()))

    said = capsys.readouterr().out
    assert "mlflow://m:churn" in said
    assert "kserve://k:churn" in said


def test_datasets_of_one_name_are_told_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    tables.state(State(None, (JOB,), (ENDPOINT, MODEL), EDGES))

    row = capsys.readouterr().out.splitlines()[1]

    assert row.split() == ["serve", "etl", "mlflow://m:churn", "kserve://k:churn"]


def test_a_changed_edge_tells_datasets_of_one_name_apart(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    tables.diff(Diff((), (), (), (), EDGES, (), (), (), ()), minute(0), minute(1))

    told = capsys.readouterr().out

    assert "mlflow://m:churn → serve" in told
    assert "serve → kserve://k:churn" in told
