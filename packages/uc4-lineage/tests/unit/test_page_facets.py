"""What the page makes of facets, whatever shape they have."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from uc4_lineage.node import Node
from uc4_lineage.page import facets
from uc4_lineage.page.content import Fact
from uc4_lineage.page.describing import Known, page_node

NAMES = st.sampled_from(
    [
        *("schema", "fields", "name", "ownership", "owners", "documentation", "sql"),
        *("dataQualityAssertions", "assertions", "dataSource", "uri", "jobType"),
        *("sourceCodeLocation", "url", "datasetType", "parent", "job", "description"),
    ]
)
ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda part: st.lists(part, max_size=3) | st.dictionaries(NAMES, part, max_size=4),
    max_leaves=20,
)


@given(told=st.dictionaries(NAMES, ANYTHING), run=st.dictionaries(NAMES, ANYTHING))
def test_a_facet_of_any_shape_is_described(
    told: dict[str, Any], run: dict[str, Any]
) -> None:
    for node in (Node.dataset("db", "orders"), Node.job("etl", "load")):
        found = page_node(node, Known(facets=told, run_facets=run))

        assert found.name == node.name
        assert all(isinstance(fact.value, str) for fact in found.facts)


@pytest.mark.parametrize(
    ("namespace", "told", "kind"),
    [
        ("postgres://db:5432", {}, "table"),
        ("file", {}, "file"),
        ("s3://lake", {}, "object"),
        ("mlflow://localhost", {}, "model"),
        ("kserve://localhost", {}, "endpoint"),
        ("feast://churn", {}, "features"),
        ("kafka://broker:9092", {}, "stream"),
        ("etl", {"schema": {}}, "table"),
        ("etl", {}, "dataset"),
        ("postgres://db:5432", {"datasetType": {"datasetType": "VIEW"}}, "view"),
        ("etl", {"dataSource": {"uri": "s3://lake"}}, "object"),
        ("etl", {"datasetType": {"datasetType": "SONNET"}}, "dataset"),
    ],
)
def test_what_a_dataset_is_follows_from_its_type_or_its_address(
    namespace: str, told: dict[str, Any], kind: str
) -> None:
    assert facets.kind(namespace, told) == kind


def test_passwords_of_addresses_are_not_shown() -> None:
    told = {
        "dataSource": {"uri": "postgres://ann:s3cret@db/shop"},
        "sourceCodeLocation": {"url": "https://token:s3cret@git.example/churn"},
    }
    known = Known(facets=told, row={"source": "postgres://ann:s3cret@db/shop"})

    found = page_node(Node.dataset("db", "orders"), known)

    assert "s3cret" not in repr(found)
    assert "s3cret" not in facets.as_text(told)
    assert Fact("Source", "postgres://ann:***@db/shop") in found.facts


@pytest.mark.parametrize(
    "said",
    [
        "https://s3cret@git.example/churn",
        "https://git.example/churn?password=s3cret",
        "did not take Authorization: Bearer s3cret",
    ],
)
def test_whatever_logs_in_is_hidden_as_everywhere_else(said: str) -> None:
    told = {"sourceCodeLocation": {"url": said, "path": said}, "sql": {"query": said}}

    found = page_node(Node.job("etl", "load"), Known(facets=told))

    assert "***" in found.code
    assert "s3cret" not in repr(found)
    assert "s3cret" not in facets.as_text(told)


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:x",
        "//evil.example",
        "http://[",
    ],
)
def test_only_addresses_of_pages_become_links(address: str) -> None:
    assert facets.links({"report": {"url": address}}) == ()


def test_links_are_found_wherever_a_facet_keeps_them() -> None:
    told = {
        "mlops_tracking": {"run": {"runUrl": "http://127.0.0.1:5000/#/runs/1"}},
        "documentation": {"_schemaURL": "https://openlineage.io/schema"},
    }

    assert [(one.name, one.address) for one in facets.links(told)] == [
        ("Tracking", "http://127.0.0.1:5000/#/runs/1")
    ]


def test_a_column_that_is_told_twice_is_one_column() -> None:
    told = {"schema": {"fields": [{"name": "a", "type": "INT"}, {"name": "a"}]}}

    assert [(one.name, one.type) for one in facets.fields(told)] == [("a", "INT")]


def test_a_facet_is_shown_without_the_names_of_its_producer_and_schema() -> None:
    told = {"_producer": "https://me", "_schemaURL": "https://it", "owners": [1]}

    assert json.loads(facets.as_text(told)) == {"owners": [1]}
