import pytest

from mlops_common.lineage.naming import postgres_table
from mlops_common.lineage.sql_lineage import parsed, tables
from mlops_common.lineage.statement import Statement


def shop(query: str) -> Statement:
    return Statement(query=query, server="postgres://localhost:5432", database="shop")


def origins(query: str) -> dict[str, list[str]]:
    return {
        name: [f"{origin.dataset.name}.{origin.field}" for origin in found]
        for name, found in parsed(shop(query)).origins.items()
    }


def inputs(query: str) -> list[str]:
    return [name.name for name in tables(shop(query))]


def test_a_table_has_the_database_and_schema_that_it_leaves_out() -> None:
    query = "SELECT 1 FROM a JOIN s.b ON true JOIN other.s.c ON true"

    assert inputs(query) == ["shop.public.a", "shop.s.b", "other.s.c"]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT o.a + o.b AS c FROM orders o WHERE d > 3",
        "COPY (SELECT o.a + o.b AS c FROM orders o) TO STDOUT (FORMAT binary)",
        "copy (select a + b as c from orders where (d = 1)) to stdout",
        "WITH x AS (SELECT a, b FROM orders) SELECT a + b AS c FROM x",
        "CREATE TABLE t AS SELECT a + b AS c FROM orders",
        "SELECT a + b AS c FROM orders WHERE d = %(day)s AND e = %s",
    ],
)
def test_a_column_knows_what_it_is_made_from(query: str) -> None:
    assert origins(query) == {"c": ["shop.public.orders.a", "shop.public.orders.b"]}
    assert inputs(query) == ["shop.public.orders"]


def test_copy_of_a_table_takes_its_columns_as_they_are() -> None:
    found = parsed(shop('COPY "s"."My ""T" (a, "b") TO STDOUT'))

    assert [name.name for name in found.inputs] == ['shop.s.My "T']
    assert [origin[0].subtype for origin in found.origins.values()] == ["IDENTITY"] * 2
    assert parsed(shop("COPY orders TO STDOUT")).everything


def test_copy_into_a_table_writes_it() -> None:
    found = parsed(shop("COPY orders FROM STDIN"))

    assert found.outputs == (postgres_table(None, "shop", "orders"),)
    assert found.inputs == ()


@pytest.mark.parametrize(
    ("query", "everything"),
    [
        ("SELECT * FROM orders", True),
        ("COPY (SELECT * FROM orders WHERE a > 1) TO STDOUT", True),
        ("SELECT * FROM orders, customers", False),
        ("SELECT * FROM orders JOIN customers USING (id)", False),
        ("SELECT a FROM orders", False),
    ],
)
def test_a_star_of_one_table_takes_everything(query: str, everything: bool) -> None:  # noqa: FBT001
    assert parsed(shop(query)).everything is everything


def test_columns_that_an_insert_renames_are_told_by_no_wrong_name() -> None:
    found = parsed(shop("INSERT INTO t (x, a) SELECT b, sum(a) FROM o GROUP BY b"))

    assert [name.name for name in found.outputs] == ["shop.public.t"]
    assert [name.name for name in found.inputs] == ["shop.public.o"]
    assert "b" not in found.origins


@pytest.mark.parametrize(
    "query", ["", ";", "SELEC", "SELECT x FROM", "\x00", "SELECT " + "(" * 60_000]
)
def test_what_is_no_sql_tells_nothing(query: str) -> None:
    found = parsed(shop(query))

    assert (found.inputs, found.outputs, found.origins) == ((), (), {})
