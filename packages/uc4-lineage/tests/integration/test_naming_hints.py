"""What is said of a name that is nearly right."""

import pytest

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from uc4_lineage.naming import find
from uc4_lineage.node import Kind
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import dataset, run_event

ANY = (Kind.DATASET, Kind.JOB, Kind.FIELD)


@pytest.fixture
def known(store: LineageStore, reader: Reader) -> Reader:
    """A table and a dataset whose name is the beginning of the table's."""
    columns = {"age": "int", "churn": "bool"}
    store.ingest(
        [
            run_event(
                "load",
                [dataset("customers.public.customers", columns)],
                [dataset("customers", columns, namespace="dvc://localhost")],
            )
        ]
    )
    return reader


def test_a_table_with_a_slip_is_named_though_another_dataset_is_its_beginning(
    known: Reader,
) -> None:
    with pytest.raises(NotFoundError, match=r"or is it customers\.public\.customers\?"):
        find(known, "customers.public.custmers", ANY)


def test_a_column_with_a_slip_is_named_alone(known: Reader) -> None:
    with pytest.raises(NotFoundError, match=r"has no column 'aeg'; nearest: age$"):
        find(known, "customers.public.customers.aeg", ANY)
