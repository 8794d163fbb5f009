import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.errors import ContractError
from uc4_lineage.node import Kind, Node

NAMES = st.text(min_size=1).filter(lambda name: ":" not in name)
NAMESPACES = st.one_of(
    NAMES,
    st.sampled_from(["postgres://db:5432", "s3://bucket", "file", "kafka://a.b:9092"]),
)


@given(NAMESPACES, NAMES.filter(lambda name: not name[0].isdigit()), NAMES)
def test_an_id_is_read_as_the_node_that_it_names(
    namespace: str, name: str, field: str
) -> None:
    nodes = [Node.dataset(namespace, name), Node.job(namespace, name)]
    if not field[0].isdigit():
        nodes.append(Node.of_field(namespace, name, field))

    assert [Node.parse(node.id) for node in nodes] == nodes


def test_the_last_name_takes_the_colons_that_are_left() -> None:
    node = Node.parse("job:etl:load:daily:2")

    assert node == Node.job("etl", "load:daily:2")


def test_a_name_may_begin_with_a_digit() -> None:
    assert Node.parse("dataset:etl:7_days") == Node.dataset("etl", "7_days")


@pytest.mark.parametrize(
    "text", ["", "dataset", "dataset:etl", "table:etl:a", "job::a", "datasetField:a:b"]
)
def test_what_is_no_id_is_refused_with_the_forms_of_one(text: str) -> None:
    with pytest.raises(ContractError, match="dataset:NAMESPACE:NAME"):
        Node.parse(text)


def test_a_field_is_of_a_dataset_and_other_nodes_are_their_own() -> None:
    field, job = Node.of_field("etl", "orders", "price"), Node.job("etl", "load")

    assert (field.owner, job.owner) == (Node.dataset("etl", "orders"), job)
    assert field.owner.kind is Kind.DATASET
