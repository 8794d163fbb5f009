import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.lineage.store.aliases import canonical
from mlops_common.lineage.store.batch import Batch
from mlops_common.lineage.store.copying import line
from mlops_common.lineage.store.document import DEEPEST, LARGEST, read
from mlops_common.lineage.store.event import Event, parse
from mlops_common.lineage.store.facets import origins, parent, source, symlinks, tags
from mlops_common.lineage.store.outcome import MalformedError

RUN = "6f0c13a5-f29b-46a5-90c1-0ffbebbbd1aa"
JOB = {"namespace": "n", "name": "j"}

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=10,
)


def run_event(**fields: Any) -> dict[str, Any]:
    return {
        "eventTime": "2024-01-01T00:00:00Z",
        "run": {"runId": RUN},
        "job": JOB,
        **fields,
    }


def parsed(**fields: Any) -> Event:
    return parse(read(run_event(**fields)))


def refusal(**fields: Any) -> MalformedError:
    with pytest.raises(MalformedError) as caught:
        parsed(**fields)
    return caught.value


@given(st.dictionaries(st.text(), values))
def test_an_object_is_the_same_document_however_it_is_written(
    value: dict[str, Any],
) -> None:
    backwards = dict(reversed(value.items()))
    texts = [json.dumps(backwards), json.dumps(value, ensure_ascii=False, indent=2)]
    document = read(value)

    assert {read(text).digest for text in texts} == {document.digest}
    assert read(document.body) == document


def test_no_text_keeps_what_postgresql_cannot_store() -> None:
    assert read(b'{"a\\u0000": "\\u0000\\ud800"}').value == {"a\ufffd": "\ufffd\ufffd"}
    assert read({"a": "\x00\udc00"}).value == {"a": "\ufffd\ufffd"}
    assert read('{"a": "\ud800"}').value == {"a": "\ufffd"}


def test_an_escaped_backslash_before_u0000_is_kept() -> None:
    assert read(b'{"a": "\\\\u0000"}').value == {"a": "\\u0000"}


def test_a_number_beyond_64_bits_is_the_nearest_double() -> None:
    number = 10**40

    assert read({"a": number}).value == {"a": 1e40}
    assert read(json.dumps({"a": number})) == read({"a": number})


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        (b"", "expected JSON"),
        (b"nope", "expected JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"a": 1e999}', "no double can hold"),
        (b'{"a": "\xff"}', "expected UTF-8"),
        (b"[]", "expected an object, found an array"),
        (b'{"a": ' + b"[" * 2_000 + b"]" * 2_000 + b"}", "nested deeper"),
        (b'{"a": ' + b"[" * 300 + b"]" * 300 + b"}", "nested deeper"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested deeper"),
        (b'{"a": "' + b"x" * LARGEST + b'"}', "bytes are more than"),
        ({"a": 10**400}, "no double can hold"),
        ({1: "a"}, "must be str"),
        ({"a": object()}, "not JSON serializable"),
    ],
)
def test_what_is_no_json_is_refused_with_a_reason(event: Any, reason: str) -> None:
    with pytest.raises(MalformedError, match=reason):
        read(event)


def test_an_object_that_holds_itself_is_refused() -> None:
    circle: dict[str, Any] = {}
    circle["a"] = circle

    with pytest.raises(MalformedError, match="nested deeper"):
        read(circle)


def test_the_deepest_document_is_read() -> None:
    levels = DEEPEST - 1

    assert read(b'{"a":' + b"[" * levels + b"]" * levels + b"}").digest


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"eventTime": None}, "$.eventTime"),
        ({"eventTime": "2024-02-30T00:00:00Z"}, "$.eventTime"),
        ({"eventTime": "0001-01-01T00:00:00+14:00"}, "$.eventTime"),
        ({"eventTime": "x" * 10_000}, "$.eventTime"),
        ({"eventTime": "2024-01-01T00:00:00." + "1" * 10_000}, "$.eventTime"),
        ({"eventType": 7}, "$.eventType"),
        ({"run": []}, "$.run"),
        ({"run": {}}, "$.run.runId"),
        ({"run": {"runId": ""}}, "$.run.runId"),
        ({"run": {"runId": RUN, "facets": []}}, "$.run.facets"),
        ({"job": None}, "$.job"),
        ({"job": {"namespace": "n"}}, "$.job.name"),
        ({"job": {"namespace": "", "name": "j"}}, "$.job.namespace"),
        ({"job": {"namespace": "n", "name": "j" * 2_500}}, "$.job"),
        ({"inputs": {}}, "$.inputs"),
        ({"inputs": [JOB, "t"]}, "$.inputs[1]"),
        ({"outputs": [{"namespace": "n", "name": 1}]}, "$.outputs[0].name"),
        ({"outputs": [{**JOB, "outputFacets": 1}]}, "$.outputs[0].outputFacets"),
        ({"outputs": [{**JOB, "facets": {"f" * 2_501: 1}}]}, "$.outputs[0].facets"),
    ],
)
def test_a_malformed_event_is_refused_by_its_first_wrong_place(
    fields: dict[str, Any], where: str
) -> None:
    problem = refusal(**fields)

    assert problem.where == where
    assert len(str(problem)) < 300


def test_an_event_of_nothing_is_refused() -> None:
    with pytest.raises(MalformedError, match="expected `run` and `job`"):
        parse(read({"eventTime": "2024-01-01T00:00:00Z"}))


@pytest.mark.parametrize(
    ("time", "utc"),
    [
        ("2024-01-01", "2024-01-01T00:00:00+00:00"),
        ("2024-01-01T10:00:00", "2024-01-01T10:00:00+00:00"),
        ("2024-01-01t10:00:00.1234567z", "2024-01-01T10:00:00.123456+00:00"),
        ("2024-01-01T00:30:00+01:00", "2023-12-31T23:30:00+00:00"),
        ("2024-01-01T10:00:00Z[UTC]", "2024-01-01T10:00:00+00:00"),
        ("9999-12-31T23:59:59Z", "9999-12-31T23:59:59+00:00"),
    ],
)
def test_a_time_is_read_as_utc(time: str, utc: str) -> None:
    assert parsed(eventTime=time).at == utc


@given(st.lists(st.datetimes(), min_size=2, max_size=2))
def test_the_greater_text_is_the_later_time(times: list[Any]) -> None:
    texts = [parsed(eventTime=time.isoformat()).at for time in times]

    assert (texts[0] < texts[1]) == (times[0] < times[1])


def test_the_type_is_in_capitals_and_may_be_missing() -> None:
    assert parsed(eventType="complete").type == "COMPLETE"
    assert parsed().type is None


def test_a_run_of_another_name_has_the_number_that_marquez_gives_it() -> None:
    # What UUID.nameUUIDFromBytes of Java makes of these letters.
    number = "90015098-3cd2-3fb0-9696-3f7d28e17f72"

    assert parsed(run={"runId": "abc"}).run_id == number
    assert parsed(run={"runId": RUN.upper()}).run_id == RUN


def test_facets_of_an_output_are_facets_of_its_dataset() -> None:
    output = {**JOB, "facets": {"a": 1}, "outputFacets": {"b": 2}}

    assert parsed(outputs=[output]).outputs[0].facets == {"a": 1, "b": 2}


@pytest.mark.parametrize("facet", [None, 1, "text", [], {}, [[]], {"fields": [1]}])
def test_a_facet_of_another_shape_tells_nothing(facet: Any) -> None:
    assert list(origins(facet)) == []
    assert list(symlinks(facet)) == []
    assert list(tags(facet)) == []
    assert source(facet) is None
    assert parent(facet) is None


@given(values)
def test_a_known_facet_may_be_anything(facet: Any) -> None:
    names = ["schema", "columnLineage", "symlinks", "tags", "dataSource", "version"]
    dataset = {**JOB, "facets": dict.fromkeys(names, facet)}
    run = {"runId": RUN, "facets": {"parent": facet, "nominalTime": facet}}
    batch = Batch()

    batch.add(parsed(run=run, inputs=[dataset], outputs=[dataset]))

    assert batch.dataset_facets.keys() == {(0, name) for name in names}


def test_the_first_form_of_column_lineage_is_read() -> None:
    made = {
        "inputFields": [{**JOB, "field": "a"}],
        "transformationType": "MASKED",
        "transformationDescription": "sha256(a)",
    }
    (origin,) = origins({"fields": {"b": made}})

    assert (origin.type, origin.subtype, origin.description) == (
        "",
        "MASKED",
        "sha256(a)",
    )


@given(st.lists(st.text() | st.none() | st.booleans() | st.integers(), min_size=1))
def test_a_line_has_as_many_fields_as_the_row(row: list[Any]) -> None:
    text = line(row)

    assert text.endswith("\n")
    assert text.count("\n") == 1
    assert text.count("\t") == len(row) - 1


names = st.tuples(st.just("n"), st.sampled_from("abcdef"))


@given(st.dictionaries(names, names))
def test_an_alias_and_its_target_stand_for_the_same(
    targets: dict[tuple[str, str], tuple[str, str]],
) -> None:
    for name, target in targets.items():
        assert canonical(name, targets) == canonical(target, targets)
        assert canonical(canonical(name, targets), targets) == canonical(name, targets)
