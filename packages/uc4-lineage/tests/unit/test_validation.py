"""Whether an event is one of OpenLineage's, and where it is not."""

import copy
from typing import Any

import pytest

from mlops_common.errors import ContractError
from uc4_lineage.validation import check, problems

FACET = {"_producer": "https://example.com", "_schemaURL": "https://example.com/f"}
EVENT: dict[str, Any] = {
    "eventType": "COMPLETE",
    "eventTime": "2026-01-31T08:30:00Z",
    "producer": "https://example.com",
    "run": {"runId": "870492da-ecfb-4be0-91b9-9a89ddd3db90", "facets": {}},
    "job": {"namespace": "etl", "name": "load"},
    "inputs": [{"namespace": "db", "name": "orders", "facets": {}}],
}


def changed(change: dict[str, Any], *place: str | int) -> dict[str, Any]:
    event = copy.deepcopy(EVENT)
    part: Any = event
    for step in place:
        part = part[step]
    part.update(change)
    return event


def told(event: object) -> list[str]:
    return [str(problem) for problem in problems(event)]


def test_an_event_without_its_schema_is_one() -> None:
    assert told(EVENT) == []


@pytest.mark.parametrize(
    "time", ["2026-01-31T08:30:00", "2026-01-31t08:30:00.123456789+02:00"]
)
def test_a_time_may_lack_its_zone_and_have_nanoseconds(time: str) -> None:
    assert told(changed({"eventTime": time})) == []


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"eventTime": "yesterday"}, "expected a time such as 2026-01-31T08:30:00Z"),
        ({"eventTime": "2026-02-30T08:30:00Z"}, "expected a time such as"),
        ({"eventTime": "9999-12-31T23:59:59-12:00"}, "expected a time such as"),
        ({"eventTime": 1}, "expected a time such as 2026-01-31T08:30:00Z, found 1"),
        ({"eventType": "DONE"}, "expected 'START', 'RUNNING', 'COMPLETE', 'ABORT'"),
        ({"producer": None}, "expected a string, found null"),
        ({"job": []}, "expected an object, found []"),
        ({"inputs": {}}, "expected an array, found {}"),
    ],
)
def test_a_property_that_is_wrong_is_named(
    change: dict[str, Any], problem: str
) -> None:
    (name,) = change

    assert told(changed(change))[0].startswith(f"$.{name}: {problem}")


def test_a_place_deep_in_an_event_is_a_json_path() -> None:
    fields = {"schema": FACET | {"fields": [{"type": "int"}, {"name": 3}]}}
    odd: dict[str, Any] = {"a facet": {}}

    assert told(changed(fields | odd, "inputs", 0, "facets")) == [
        "$.inputs[0].facets.schema.fields[0].name: is missing",
        "$.inputs[0].facets.schema.fields[1].name: expected a string, found 3",
        '$.inputs[0].facets["a facet"]._producer: is missing',
        '$.inputs[0].facets["a facet"]._schemaURL: is missing',
    ]


def test_a_place_below_one_of_two_classes_names_no_class() -> None:
    entries = {"lineage": FACET | {"inputs": [{"type": "DATASET", "name": "t"}]}}

    assert told(changed(entries, "inputs", 0, "facets")) == [
        "$.inputs[0].facets.lineage.inputs[0].namespace: is missing"
    ]


def test_an_unknown_facet_may_hold_anything() -> None:
    facet = FACET | {"rows": [{"a": None}], "_deleted": False}

    assert told(changed({"ours_thing": facet}, "run", "facets")) == []


def test_a_deleted_facet_may_lack_what_it_no_longer_has() -> None:
    deleted = {"_deleted": True}
    facets = {"schema": FACET | deleted | {"fields": 3}, "columnLineage": deleted}

    assert told(changed(facets, "inputs", 0, "facets")) == [
        "$.inputs[0].facets.columnLineage._producer: is missing",
        "$.inputs[0].facets.columnLineage._schemaURL: is missing",
    ]


@pytest.mark.parametrize("event", [None, 3, "event", [EVENT]])
def test_what_is_no_object_is_no_event(event: object) -> None:
    assert told(event)[0].startswith("$: expected an object, found ")


def test_an_event_tells_of_a_run_or_a_job_or_a_dataset() -> None:
    assert told({}) == ["$: expected a run and its job, a job, or a dataset"]
    assert told({"dataset": {}, "job": {}})[0].startswith("$: tells of a dataset and")
    assert "$.job: is missing" in told({"run": EVENT["run"]})


def test_a_long_value_is_cut_in_the_message() -> None:
    (problem,) = told(changed({"eventTime": "x" * 10_000_000}))

    assert len(problem) < 200


def test_a_value_that_is_too_deep_to_show_is_left_out() -> None:
    deep: list[Any] = []
    for _ in range(1_000):
        deep = [deep]

    assert told(deep) == ["$: expected an object, found …"]


def test_no_more_problems_are_told_than_anyone_reads() -> None:
    datasets = [{"namespace": 1, "name": 2}] * 1_000

    assert len(told(changed({"outputs": datasets}))) == 20


def test_an_error_names_every_problem() -> None:
    with pytest.raises(ContractError, match=r"\$\.run\.runId: .*; \$\.job: expected"):
        check(changed({"run": {"runId": "7"}, "job": None}))
