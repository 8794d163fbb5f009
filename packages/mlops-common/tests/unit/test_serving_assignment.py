import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.serving.local.assignment import Dealer, entity_in, position
from mlops_common.serving.local.channel import Lines

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text() | st.just("customer_id"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["inputs", "instances", "name", "data", "customer_id"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)


@given(start=st.floats(0, 1, exclude_max=True), percent=st.integers(0, 100))
def test_of_any_requests_in_a_row_the_canary_gets_its_share(
    start: float, percent: int
) -> None:
    dealer = Dealer(start)
    dealt = [dealer.next() * 100 < percent for _ in range(1_000)]

    for length in (10, 100, 1_000):
        assert abs(sum(dealt[:length]) - length * percent / 100) <= 4


@pytest.mark.parametrize("rhythm", [2, 3, 5, 10])
def test_no_rhythm_of_the_clients_meets_one_of_ours(rhythm: int) -> None:
    dealer = Dealer(0.0)
    dealt = [dealer.next() < 0.5 for _ in range(2_000)]

    for offset in range(rhythm):
        beats = dealt[offset::rhythm]
        assert abs(sum(beats) - len(beats) / 2) <= 10


def test_a_larger_share_only_moves_entities_to_the_canary() -> None:
    places = [position("churn", 7, str(number)) for number in range(1_000)]

    assert all(0 <= place < 1 for place in places)
    assert len(set(places)) == len(places)


def test_another_version_deals_the_entities_anew() -> None:
    both = [
        position("churn", 7, str(n)) < 0.5 and position("churn", 8, str(n)) < 0.5
        for n in range(4_000)
    ]

    assert 850 < sum(both) < 1_150


@pytest.mark.parametrize(
    ("request_", "entity"),
    [
        ({"inputs": [{"name": "customer_id", "data": [7]}]}, "7"),
        ({"inputs": [{"name": "customer_id", "data": ["a"]}]}, "a"),
        ({"inputs": [{"name": "customer_id", "data": [["a"]]}]}, "a"),
        ({"inputs": [{"name": "customer_id", "data": ["a", "b"]}]}, None),
        ({"inputs": [{"name": "age", "data": [41]}]}, None),
        ({"instances": [{"age": 41, "customer_id": 7}]}, "7"),
        ({"instances": [{"customer_id": 7}, {"customer_id": 8}]}, None),
        ({"instances": [[41, "customer_id"]]}, None),
        ({"instances": [{"customer_id": True}]}, None),
    ],
)
def test_the_one_entity_of_a_request_is_found(
    request_: dict[str, Any], entity: str | None
) -> None:
    assert entity_in(json.dumps(request_).encode(), "customer_id") == entity


@given(JSON)
def test_any_body_may_be_read_for_its_entity(body: Any) -> None:
    found = entity_in(json.dumps(body).encode(), "customer_id")

    assert found is None or isinstance(found, str)


@pytest.mark.parametrize("body", [b"customer_id", b"", b"\xffcustomer_id", b"null"])
def test_a_body_that_is_no_json_has_no_entity(body: bytes) -> None:
    assert entity_in(body, "customer_id") is None
    assert entity_in(body, "") is None


@given(
    lines=st.lists(st.binary(max_size=9).filter(lambda line: b"\n" not in line)),
    sizes=st.lists(st.integers(1, 7), min_size=1),
)
def test_words_arrive_whole_however_they_are_cut(
    lines: list[bytes], sizes: list[int]
) -> None:
    data = b"".join(line + b"\n" for line in lines)
    reader, found = Lines(), list[bytes]()
    while data:
        size = sizes[len(data) % len(sizes)]
        found += reader.complete(data[:size])
        data = data[size:]

    assert found == lines
