"""Short names of cards."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uc4_lineage.page.labels import labels


@given(st.lists(st.text("ab./", max_size=20), max_size=12))
def test_a_label_is_the_end_of_its_name_and_of_no_other(names: list[str]) -> None:
    found = dict(zip(names, labels(names), strict=True))

    assert all(name.endswith(label) for name, label in found.items())
    assert len(set(found.values())) == len(found)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["shop.public.orders"], ["orders"]),
        (
            ["a.public.orders", "b.public.orders"],
            ["a.public.orders", "b.public.orders"],
        ),
        (
            ["/out/orders.parquet", "/in/orders.parquet"],
            ["out/orders.parquet", "in/orders.parquet"],
        ),
        (["orders", "raw.orders"], ["orders", "raw.orders"]),
        (["model", "model", "serve.model"], ["model", "model", "serve.model"]),
        (["flow.load", "flow.clean"], ["load", "clean"]),
        (["orders/", "."], ["orders/", "."]),
        (
            ["/".join("abcdefgh"), "/".join("xbcdefgh")],
            ["a/b/c/d/e/f/g/h", "x/b/c/d/e/f/g/h"],
        ),
    ],
)
def test_a_label_has_as_many_parts_as_it_needs(
    names: list[str], expected: list[str]
) -> None:
    assert labels(names) == expected
