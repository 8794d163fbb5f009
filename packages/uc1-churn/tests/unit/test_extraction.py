import pytest
from psycopg.sql import Composable

from mlops_common.errors import ConfigError
from mlops_common.params import validated
from uc1_churn.config import CUSTOMERS, DatasetSpec
from uc1_churn.tables.extraction import query


def text(spec: DatasetSpec) -> str:
    found = query(spec)
    return found.as_string() if isinstance(found, Composable) else found


def test_named_columns_are_read_and_no_others() -> None:
    columns = text(CUSTOMERS).removeprefix("SELECT ").split(" FROM ")[0].split(", ")

    assert [name.strip('"') for name in columns] == [
        "customer_id",
        "age",
        "tenure_months",
        "total_purchases",
        "avg_order_value",
        "days_since_last_purchase",
        "support_tickets_count",
        "gender",
        "churn",
        "observed_at",
    ]


def test_all_columns_are_read_where_features_are_inferred() -> None:
    assert text(DatasetSpec(table="sales.people")) == 'SELECT * FROM "sales"."people"'


def test_a_query_is_taken_as_it_is() -> None:
    assert text(DatasetSpec(query="SELECT 1")) == "SELECT 1"


def test_a_name_with_quotes_stays_a_name() -> None:
    assert text(DatasetSpec(table='a"; DROP')) == 'SELECT * FROM "a""; DROP"'


def test_neither_table_nor_query_is_an_error() -> None:
    with pytest.raises(ConfigError, match="exactly one of `table` and `query`"):
        validated(DatasetSpec, {}, where="params")
