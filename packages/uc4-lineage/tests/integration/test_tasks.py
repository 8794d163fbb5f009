"""The tasks of the pipeline over embedded parts, without Prefect."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.home import reset
from mlops_common.lineage.recording import recording
from mlops_common.testing.postgres import temporary_home
from uc4_lineage.asking import (
    AsOf,
    Diff,
    Down,
    Impact,
    Orphans,
    Question,
    Runs,
    Stale,
    TraceModel,
    TracePrediction,
    Up,
)
from uc4_lineage.asking import (
    Path as WayBetween,
)
from uc4_lineage.coverage import Coverage, LooseEnds, Part, Period
from uc4_lineage.questions.runs import State
from uc4_lineage.result import Emitted
from uc4_lineage.tasks.emit_lineage import emit_lineage
from uc4_lineage.tasks.query_lineage import audit_lineage, query_lineage
from uc4_lineage.testing.events import dataset, minute, run_event

PERIOD = Period.ending(datetime(2026, 3, 2, 8, tzinfo=UTC), 24)


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """A home of its own, with no Prefect profile of the user's."""
    with temporary_home() as folder, pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("MLOPS_HOME", str(folder))
        patch.setenv("PREFECT_HOME", str(folder / "profile"))
        for name in ("PREFECT_API_URL", "MLOPS_CONFIG"):
            patch.delenv(name, raising=False)
        yield folder
        reset(connect())


@pytest.fixture
def platform(home: Path) -> Iterator[Platform]:
    platform = connect()
    assert platform.settings.home == home
    yield platform
    platform.lineage_store.close()


def test_where_nothing_waits_nothing_is_sent(platform: Platform) -> None:
    assert platform.settings.lineage.enabled

    assert emit_lineage.fn(5.0) == Emitted()


def test_lineage_that_is_switched_off_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLOPS_LINEAGE__ENABLED", "false")

    emitted = emit_lineage.fn(5.0)

    assert "lineage.enabled is false" in emitted.problems["nobody"]


def test_the_report_of_an_empty_store_says_that_prefect_is_away() -> None:
    result = audit_lineage.fn(PERIOD, Emitted(), LooseEnds())

    assert result.coverage.schemas == Part(having=0, all=0)
    assert "no Prefect API is configured" in result.coverage.unasked
    assert "which runs there were is unknown" in result.closing()
    assert "which runs there were is unknown" in result.report.read_text("utf-8")


def test_the_report_lies_in_the_home_and_in_the_object_store_once_a_day(
    platform: Platform,
) -> None:
    platform.lineage_store.ingest(
        [run_event("bake", [dataset("flour", {"kg": "int"})])]
    )

    first = audit_lineage.fn(PERIOD, Emitted(), LooseEnds())
    second = audit_lineage.fn(PERIOD, Emitted(), LooseEnds())

    assert first == second
    assert first.report == platform.settings.home / "reports/lineage-2026-03-02.html"
    keys = list(platform.objects.keys("lineage/"))
    assert keys == [
        "lineage/coverage/2026-03-02.html",
        "lineage/coverage/2026-03-02.json",
    ]
    stored = Coverage.model_validate_json(platform.objects.read(first.stored))
    assert stored == first.coverage
    assert stored.without_owner == ("dataset:postgres://db:5432:flour",)
    assert platform.objects.read(keys[0]) == first.report.read_bytes()


def test_the_report_is_told_as_an_output_with_columns(platform: Platform) -> None:
    with recording() as said:
        result = audit_lineage.fn(PERIOD, Emitted(), LooseEnds())

    (told,) = said.outputs
    assert told.name.name.endswith("lineage/coverage")
    assert told.version == "2026-03-02"
    assert {field.name for field in told.fields} == set(
        json.loads(platform.objects.read(result.stored))
    )


def test_any_question_can_be_asked_as_a_task(platform: Platform) -> None:
    events = [
        run_event(
            "sow", ["seed"], [dataset("corn", {"kg": "int"}, {"kg": ["seed.kg"]})]
        ),
        run_event("mill", ["corn"], ["meal"], at=1, state="FAIL"),
    ]
    platform.lineage_store.ingest(events)
    before = minute(-1)

    def names(question: Question, *path: str) -> list[str]:
        found = query_lineage.fn(question)
        json.dumps(found)
        for key in path:
            found = found[key]
        return [one.get("node", one.get("job", one))["name"] for one in found]

    assert names(Up(node="corn"), "reached") == ["sow", "seed"]
    assert names(Down(node="corn", depth=1), "reached") == ["mill"]
    assert names(Impact(node="corn"), "affected") == ["meal", "mill"]
    assert names(Impact(node="corn", at=minute(0.5)), "affected") == []
    assert names(WayBetween(start="seed", end="corn")) == ["seed", "sow", "corn"]
    assert names(AsOf(at=before), "jobs") == []
    assert {"sow", "mill"} <= set(names(Diff(first=before), "jobs_added"))
    assert names(Runs(state=State.FAILED)) == ["mill"]
    assert names(Runs(state=State.FAILED, at=minute(0.5))) == []
    assert "corn" in names(Orphans(at=minute(0.5)), "never_read")
    assert "seed" in names(Orphans(), "never_written")
    assert "corn" in names(Stale(days=0, now=minute(9)), "datasets")


@pytest.mark.parametrize(
    ("question", "error"),
    [
        (TracePrediction(request="r1"), "no prediction is logged"),
        (TraceModel(name="unknown", version=1), "no model 'unknown'"),
        (Up(node="nobody"), "'nobody'"),
    ],
)
def test_a_task_refuses_what_the_question_refuses(
    question: Question, error: str
) -> None:
    with pytest.raises(NotFoundError, match=error):
        query_lineage.fn(question)


def test_without_tables_no_question_can_be_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MLOPS_LINEAGE__EMBEDDED", "false")

    with pytest.raises(ConfigError, match=r"lineage\.embedded"):
        audit_lineage.fn(PERIOD, Emitted(), LooseEnds())
