import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mlops_common.lineage.json_value import LARGEST, facet_value
from mlops_common.refs import DatasetRef

ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(), ANYTHING, max_size=3))
def test_anything_becomes_json_that_can_be_stored(value: dict[str, Any]) -> None:
    text = json.dumps(facet_value(value), allow_nan=False, ensure_ascii=False)

    text.encode()
    assert "\\u0000" not in text


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (np.float64(0.5), 0.5),
        (np.int64(3), 3),
        (np.array([1, 2]), [1, 2]),
        (float("nan"), None),
        (float("-inf"), None),
        ({1}, [1]),
        ((1, (2,)), [1, [2]]),
        (date(2026, 1, 31), "2026-01-31"),
        (datetime(2026, 1, 31, tzinfo=UTC), "2026-01-31T00:00:00+00:00"),
        (Decimal("0.10"), "0.10"),
        (Path("/a"), "/a"),
        (1 << 70, hex(1 << 70)),
        (True, True),
        ({"a": {"b": None}}, {"a": {"b": None}}),
    ],
)
def test_a_value_is_told_as_what_json_has_for_it(value: Any, told: Any) -> None:
    assert facet_value({"value": value}) == {"value": told}
    assert type(facet_value({"value": value})["value"]) is type(told)


def test_a_reference_is_told_by_its_fields() -> None:
    ref = DatasetRef(name="orders", key="raw/ab", digest="ab", rows=3)

    assert facet_value(ref) == {"value": ref.model_dump()}


def test_what_holds_itself_ends_somewhere() -> None:
    endless: dict[str, Any] = {}
    endless["itself"] = endless

    assert json.dumps(facet_value(endless))


@pytest.mark.parametrize(
    "value",
    ["x" * 10_000_000, [0] * 10_000_000, {"a": {"b": ["y" * 1_000] * 10_000}}],
)
def test_what_is_too_large_is_left_out_and_says_so(value: Any) -> None:
    assert facet_value({"value": value}) == {
        "stripped": f"more than {LARGEST:,} characters and values"
    }


def test_what_is_named_as_a_secret_is_hidden() -> None:
    told = facet_value(
        {"db": {"Password": "s3cret", "api_key": ["s3cret"]}, "max_tokens": 500}
    )

    assert told == {"db": {"Password": "***", "api_key": "***"}, "max_tokens": 500}
