"""The events of an array, whole or each by itself."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uc4_lineage.decoding import elements, split

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(
    array=st.lists(values, min_size=1),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 1]),
)
def test_an_array_is_split_where_its_values_end(
    array: list[object], *, ascii_only: bool, indent: int | None
) -> None:
    text = json.dumps(array, ensure_ascii=ascii_only, indent=indent)

    parts = split(text.encode("utf-8", "surrogatepass"))

    assert parts is not None
    assert [json.loads(part) for part in parts] == array


@pytest.mark.parametrize(
    "text", [b"", b"3", b"{}", b"[", b'["', b'["\\', b"[[]", b"[] []", b'["a"', b"{]"]
)
def test_what_is_no_array_is_told(text: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        elements(text)


def test_a_text_that_never_ends_takes_no_longer_than_its_length() -> None:
    assert split(b"[" + b'"\\' * 1_000_001) is None
