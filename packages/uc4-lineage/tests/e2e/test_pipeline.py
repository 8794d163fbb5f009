"""The audit over runs that a Prefect server recorded, and that told their lineage."""

import contextlib
import json
from collections.abc import Iterator
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.launch import launch
from mlops_common.testing.command import mlops
from uc4_lineage.bootstrap import reading
from uc4_lineage.coverage import Coverage, Part
from uc4_lineage.result import LineageResult
from uc4_lineage.testing import bakery
from uc4_lineage.use_case import USE_CASE

FLOW = "UC4: Data Lineage Pipeline"


def audited(platform: Platform, **values: Any) -> LineageResult:
    result = launch(USE_CASE, platform, values)
    assert isinstance(result, LineageResult)
    return result


@pytest.fixture(scope="module")
def results(
    platform: Platform,
) -> Iterator[tuple[LineageResult, LineageResult]]:
    """What the audit found of an empty home, and after a few runs."""
    empty = audited(platform)
    bakery.bread_pipeline()
    with contextlib.suppress(ValueError):
        bakery.bread_pipeline(burn=True)
    bakery.idle_pipeline()
    bakery.foreign_pipeline()
    yield empty, audited(platform)
    platform.lineage_store.close()


def test_of_an_empty_home_nothing_is_missing(
    results: tuple[LineageResult, LineageResult],
) -> None:
    empty, _ = results

    assert empty.coverage.complete
    assert empty.coverage.runs == ()
    assert empty.emitted.problems == {}
    assert "Complete" in empty.report.read_text("utf-8")


def test_every_run_of_a_use_case_is_looked_at_and_no_other(
    results: tuple[LineageResult, LineageResult],
) -> None:
    _, found = results

    assert [(run.flow, run.state, run.lineage) for run in found.coverage.runs] == [
        (FLOW, "Completed", "whole"),
        ("UC4: Bread Pipeline", "Completed", "whole"),
        ("UC4: Bread Pipeline", "Failed", "whole"),
        ("UC4: Idle Pipeline", "Completed", "no dataset"),
    ]
    assert found.coverage.traced == Part(having=3, all=4)


def test_what_the_runs_touched_has_columns_and_owners(
    results: tuple[LineageResult, LineageResult],
) -> None:
    _, found = results

    # Flour, loaf, and the report of the audit before.
    assert found.coverage.schemas == found.coverage.owners == Part(having=3, all=3)
    assert found.coverage.loose.never_written == ("dataset:file:/bakery/flour.csv",)
    assert not found.coverage.complete
    assert "1 run without whole lineage" in found.closing()


def test_the_run_is_named_and_shows_what_it_found(
    results: tuple[LineageResult, LineageResult],
) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas import filters

    _, found = results
    keys = filters.ArtifactFilterKey(any_=["lineage-coverage", "lineage-runs"])
    with get_client(sync_client=True) as client:
        every = client.read_artifacts(artifact_filter=filters.ArtifactFilter(key=keys))
        every.sort(key=lambda one: str(one.created))
        artifacts = {one.key: one for one in every}  # the newest of each key
        page = artifacts["lineage-coverage"]
        assert page.flow_run_id is not None
        run = client.read_flow_run(page.flow_run_id)

    assert run.name == f"{found.coverage.period.end:%Y-%m-%d} · 1 gap"
    assert found.report.as_uri() in str(page.data)
    rows = json.loads(str(artifacts["lineage-runs"].data))
    assert [row["lineage"] for row in rows].count("no dataset") == 1


def test_a_field_is_traced_to_where_it_comes_from(
    platform: Platform, results: tuple[LineageResult, LineageResult]
) -> None:
    from uc4_lineage.questions.impact import impact

    assert results
    with reading(platform) as reader:
        found = impact(reader, "flour.csv.kg")

    assert "/bakery/loaf.csv" in str(found)


def test_the_command_prints_json_and_a_summary(
    platform: Platform, results: tuple[LineageResult, LineageResult]
) -> None:
    assert results
    home = platform.settings.home

    said = mlops("run", "uc4", "--json", folder=home)
    plain = mlops("run", "uc4", "--set", "hours=0.000001", folder=home)

    assert said.code == plain.code == 0, said.err + plain.err
    found = json.loads(said.out)
    coverage = Coverage.model_validate(found["coverage"])
    assert [run.lineage for run in coverage.runs].count("whole") == 4
    assert found["seconds"]
    assert "none ended in this time" in plain.out
    assert "Complete: no run ended" in plain.out


def test_a_param_that_does_not_exist_is_named_before_anything_is_started(
    platform: Platform,
) -> None:
    said = mlops("run", "uc4", "--set", "days=3", folder=platform.settings.home)

    assert said.code == 2
    assert "unknown key 'days'" in said.err
    assert "hours" in said.err
