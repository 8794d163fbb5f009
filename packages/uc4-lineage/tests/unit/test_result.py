"""What a person reads of an audit, in the terminal, in Prefect and on the page."""

import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from uc4_lineage import report
from uc4_lineage.coverage import (
    Coverage,
    DatasetFacts,
    LooseEnds,
    audited,
)
from uc4_lineage.result import Emitted, LineageResult
from uc4_lineage.testing.audits import DESCRIBED, PERIOD, SILENT

TRACED = SILENT.model_copy(update={"name": "churn v6", "lineage": "whole"})
BARE = DatasetFacts("dataset:file:/a.csv", described=False, owned=False)
WHOLE = audited(PERIOD, [TRACED], [DESCRIBED])
HOSTILE = "<script>alert(1)</script>"


def result(found: Coverage, emitted: Emitted) -> LineageResult:
    return LineageResult(
        emitted=emitted, coverage=found, stored="a.json", report=Path("/a.html")
    )


def test_a_complete_audit_says_so_in_one_line() -> None:
    found = result(WHOLE, Emitted())

    assert found.closing() == (
        "Complete: every run has lineage, and every dataset has a schema and an owner."
    )
    assert found.summary()["Runs"] == "1 of 1 have lineage"
    assert found.summary()["Events"] == "0 sent now"


def test_one_thing_is_not_told_as_several() -> None:
    loose = LooseEnds(stale=("dataset:file:/a.csv",), unended=("job:etl:load",))
    found = result(audited(PERIOD, [], [], loose), Emitted())

    assert found.summary()["Stale"] == "1 dataset, 1 run that never ended"


def test_of_nothing_it_says_that_there_is_nothing() -> None:
    found = result(audited(PERIOD, [], []), Emitted())

    assert found.closing() == (
        "Complete: no run ended in this time, and no dataset is known yet."
    )


def test_every_kind_of_gap_has_a_sentence_that_says_what_to_do() -> None:
    found = audited(PERIOD, [SILENT, TRACED], [BARE])

    emitted = Emitted(left=2, refused=1, problems={"marquez": "nobody answers"})
    said = result(found, emitted).closing()

    assert said.splitlines() == [
        "Not complete:",
        "- marquez was not told: nobody answers",
        "- 1 event refused: see refused.jsonl in lineage/spool of the home folder",
        "- 1 run without whole lineage, such as 'churn v7': it told nothing at all",
        "- 1 dataset without a schema, such as dataset:file:/a.csv; name the columns "
        "where it is written",
        "- 1 dataset without an owner, such as dataset:file:/a.csv; set lineage.owner "
        "for what the runs write",
    ]


def test_where_prefect_is_away_the_runs_are_unknown_and_not_none() -> None:
    found = result(audited(PERIOD, [], [], unasked="nobody answers"), Emitted())

    assert found.summary()["Runs"].startswith("unknown")
    assert "nobody answers" in found.closing()
    title = report.title(found.coverage, Emitted())
    assert title == "2026-03-02 · runs unknown"


def test_what_was_lost_is_told() -> None:
    emitted = Emitted(told=5, left=1_234, refused=2, lost=3, aborted=2)

    assert result(WHOLE, emitted).summary()["Events"] == (
        "5 sent now; 1.2 kB wait on; 2 were refused; 3 were ever lost; "
        "2 runs ended that had died"
    )


def test_the_run_is_named_by_its_day_and_the_number_of_gaps() -> None:
    found = audited(PERIOD, [SILENT], [BARE])

    assert report.title(found, Emitted()) == "2026-03-02 · 3 gaps"
    assert report.title(WHOLE, Emitted()) == "2026-03-02 · complete"


@pytest.mark.parametrize(
    "emitted",
    [
        Emitted(lost=500),
        Emitted(refused=1),
        Emitted(left=9),
        Emitted(problems={"marquez": "nobody answers"}),
    ],
)
def test_events_that_did_not_arrive_are_told_the_same_everywhere(
    emitted: Emitted,
) -> None:
    assert report.title(WHOLE, emitted) == "2026-03-02 · events missing"
    assert result(WHOLE, emitted).closing().startswith("Not complete:\n- ")
    assert ">Not complete<" in report.render(WHOLE, emitted)
    assert ": not complete\n" in report.markdown(WHOLE, emitted, [])


def test_lost_events_have_a_sentence() -> None:
    said = result(WHOLE, Emitted(lost=500)).closing()

    assert "500 events lost since the home was made" in said


def test_the_page_tells_gaps_and_loose_ends_and_nothing_of_what_is_not_there() -> None:
    loose = LooseEnds(never_written=("dataset:file:/source.csv",))

    page = report.render(audited(PERIOD, [SILENT, TRACED], [], loose), Emitted())

    assert "churn v7" in page
    assert "it told nothing at all" in page
    assert "churn v6" not in page
    assert "dataset:file:/source.csv" in page
    assert "Read but never written" in page
    assert "Stale" not in page


def test_no_name_is_executed_in_the_page() -> None:
    run = SILENT.model_copy(update={"name": HOSTILE, "deployment": HOSTILE})
    loose = LooseEnds(stale=(HOSTILE,), unended=(HOSTILE,))
    bare = DatasetFacts(HOSTILE, described=False, owned=False)

    page = report.render(audited(PERIOD, [run], [bare], loose, HOSTILE), Emitted())

    assert "<script" not in page
    assert "&lt;script&gt;" in page


def test_a_long_list_is_cut_and_says_so() -> None:
    bare = [DatasetFacts(f"dataset:x:{n}", False, True) for n in range(1_200)]  # noqa: FBT003

    page = report.render(audited(PERIOD, [], bare), Emitted())

    assert "and 1,000 more: see the JSON of this report" in page
    assert page.count("<li>dataset:x:") == report.SHOWN


@pytest.mark.parametrize(
    ("found", "verdict"), [(WHOLE, "complete"), (audited(PERIOD, [SILENT], []), "not")]
)
def test_prefect_shows_the_verdict_first_and_links_the_rest(
    found: Coverage, verdict: str
) -> None:
    text = report.markdown(found, Emitted(), [("Report", "file:///a.html")])

    assert text.splitlines()[0].startswith(f"# Lineage of {PERIOD}: {verdict}")
    assert "](file:///a.html)" in text


@pytest.mark.parametrize(
    "name",
    [
        HOSTILE,
        "<img src=https://x.example/a.png>",
        "![a](https://x.example/a.png)",
        "[a](javascript:alert(1))",
        "`a` <b>",
        "a\n\n# b",
        "<javascript:alert(1)>",
    ],
)
def test_no_name_is_markup_in_prefect(name: str) -> None:
    run = SILENT.model_copy(update={"name": name})
    bare = DatasetFacts(name, described=False, owned=False)
    found = audited(PERIOD, [run], [bare], unasked=name)
    emitted = Emitted(problems={name: name})
    links = [("Report", f"https://x.example/{name})")]

    page = MarkdownIt().render(report.markdown(found, emitted, links))

    assert set(re.findall(r"</?(\w+)", page)) <= {*"ap", "h1", "ul", "li", "strong"}
    assert page.count("<h1>") == page.count("<a ") == 1


def test_no_password_reaches_prefect() -> None:
    found = audited(PERIOD, [], [], unasked="https://ann:s3cret@x.example did not")

    assert "s3cret" not in report.markdown(found, Emitted(), [])


def test_the_table_has_a_row_for_each_run_gaps_first() -> None:
    rows = report.rows(audited(PERIOD, [TRACED, SILENT], []))

    assert [(row["run"], row["lineage"]) for row in rows] == [
        ("churn v7", "no event"),
        ("churn v6", "whole"),
    ]
