"""Whether lineage is complete, computed from what is known."""

from dataclasses import replace

import pytest

from uc4_lineage.coverage import (
    CheckedRun,
    Coverage,
    Lineage,
    Part,
    RunFacts,
    audited,
    of_runs,
)
from uc4_lineage.testing.audits import DESCRIBED, PERIOD, SILENT


def run(lineage: Lineage, name: str = "churn v7") -> CheckedRun:
    return SILENT.model_copy(update={"lineage": lineage, "name": name})


@pytest.mark.parametrize(
    ("facts", "lineage"),
    [
        (None, "no event"),
        (RunFacts("NEW", 0), "no end"),
        (RunFacts("RUNNING", 3), "no end"),
        (RunFacts("COMPLETED", 0), "no dataset"),
        (RunFacts("COMPLETED", 1), "whole"),
        (RunFacts("FAILED", 0), "whole"),
        (RunFacts("ABORTED", 0), "whole"),
    ],
)
def test_a_run_has_lineage_once_its_end_and_what_it_made_are_known(
    facts: RunFacts | None, lineage: Lineage
) -> None:
    known = {} if facts is None else {SILENT.id: facts}

    (found,) = of_runs([SILENT], known)

    assert found == run(lineage)


def test_what_is_known_of_other_runs_does_not_count() -> None:
    (found,) = of_runs([SILENT], {"1": RunFacts("COMPLETED", 9)})

    assert found.lineage == "no event"


def test_of_nothing_everything_is_known() -> None:
    found = audited(PERIOD, [], [])

    assert found.complete
    assert str(found.traced) == "0 of 0"


def test_runs_and_datasets_that_lack_nothing_are_complete() -> None:
    found = audited(PERIOD, [run("whole")], [DESCRIBED])

    assert found.complete
    assert found.gaps == ()
    assert found.traced == found.schemas == found.owners == Part(having=1, all=1)


@pytest.mark.parametrize(
    "found",
    [
        audited(PERIOD, [run("whole"), run("no event")], [DESCRIBED]),
        audited(PERIOD, [], [DESCRIBED, replace(DESCRIBED, described=False)]),
        audited(PERIOD, [], [DESCRIBED, replace(DESCRIBED, owned=False)]),
        audited(PERIOD, [run("whole")], [DESCRIBED], unasked="nobody answers"),
    ],
    ids=["run", "schema", "owner", "unasked"],
)
def test_whatever_is_missing_makes_it_incomplete(found: Coverage) -> None:
    assert not found.complete


def test_gaps_are_the_runs_without_whole_lineage_in_their_order() -> None:
    runs = [run("no end", "a"), run("whole", "b"), run("no dataset", "c")]

    found = audited(PERIOD, runs, [])

    assert [one.name for one in found.gaps] == ["a", "c"]
    assert found.traced == Part(having=1, all=3)


def test_it_is_stored_as_json_and_read_again() -> None:
    found = audited(PERIOD, [run("no event")], [replace(DESCRIBED, owned=False)])

    assert Coverage.model_validate_json(found.model_dump_json()) == found
