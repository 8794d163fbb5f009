"""Rows on their way to a statement, and events on their way into a batch."""

from typing import Any

import orjson
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.lineage.store.intake import Intake
from mlops_common.lineage.store.statements import arrays

EVENT: dict[str, Any] = {
    "eventTime": "2026-01-01T00:00:00Z",
    "job": {"namespace": "n", "name": "j"},
}


@given(
    st.lists(st.dictionaries(st.text(), st.none() | st.booleans() | st.text())),
    st.integers(1, 100),
)
def test_arrays_hold_all_rows_in_their_order(
    rows: list[dict[str, Any]], largest: int
) -> None:
    found = [orjson.loads(array) for array in arrays(rows, largest)]

    assert [row for array in found for row in array] == rows
    for array in found:
        assert sum(len(orjson.dumps(row)) for row in array[:-1]) < largest


def test_a_row_larger_than_an_array_should_be_is_one_by_itself() -> None:
    rows: list[dict[str, Any]] = [{"a": "x" * 50}, {"b": 1}]

    assert list(arrays(rows, 10)) == [b"[%s]" % orjson.dumps(row) for row in rows]


def test_an_event_that_came_twice_is_refused_twice() -> None:
    intake = Intake()
    assert len(list(intake.take([EVENT, EVENT | {"more": 1}, EVENT]))) == 2
    digest = next(iter(intake.bodies))

    intake.refuse(digest, "no")

    assert [refusal.index for refusal in intake.refused] == [0, 2]
    assert intake.taken == 1
