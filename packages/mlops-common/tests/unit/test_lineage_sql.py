import subprocess
import sys

import pytest

from mlops_common.lineage.naming import postgres_table
from mlops_common.lineage.sql_lineage import MOST_STATEMENTS, parsed, tables
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


def test_tables_of_one_name_in_two_schemas_are_two() -> None:
    query = "SELECT x.a AS x, y.a AS y FROM s1.orders x JOIN s2.orders y ON x.id = y.id"

    assert inputs(query) == ["shop.s1.orders", "shop.s2.orders"]
    assert origins(query) == {"x": ["shop.s1.orders.a"], "y": ["shop.s2.orders.a"]}


SUM = "SELECT ? AS c FROM t"
WHERE = "SELECT a AS c FROM t WHERE ?"
COPY = "COPY (SELECT ? FROM t) TO STDOUT"
EXPLAIN = "EXPLAIN "


@pytest.mark.parametrize(
    "query",
    [
        SUM.replace("?", "+".join(["a"] * 31_000)),
        WHERE.replace("?", " OR ".join(["x=1"] * 900)),
        WHERE.replace("?", "(" * 3_000 + "a" + ")" * 3_000),
        COPY.replace("?", "->".join(["a"] * 1_500)),
        EXPLAIN * 400 + SUM,
    ],
    ids=["sum", "or", "parentheses", "arrows", "explain"],
)
def test_a_statement_that_would_end_the_process_is_not_parsed(query: str) -> None:
    found = parsed(shop(query))

    assert found.skipped
    assert found.inputs == ()


@pytest.mark.parametrize(
    "query",
    [
        SUM.replace("?", "+".join(["a"] * 298)),
        WHERE.replace("?", " OR ".join(["x=1"] * 148)),
        WHERE.replace("?", "(" * 290 + "a" + ")" * 290),
        EXPLAIN * MOST_STATEMENTS + SUM.replace("?", "a"),
    ],
    ids=["sum", "or", "parentheses", "explain"],
)
def test_a_statement_at_the_bound_is_parsed_on_the_smallest_stack(query: str) -> None:
    program = (
        "import sys, threading\n"
        "from mlops_common.lineage.sql_lineage import parsed\n"
        "from mlops_common.lineage.statement import Statement\n"
        "threading.stack_size(512 << 10)\n"
        "seen = []\n"
        "look = lambda: seen.append(parsed(Statement(query=sys.argv[1])).skipped)\n"
        "thread = threading.Thread(target=look)\n"
        "thread.start()\n"
        "thread.join()\n"
        "print(seen)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program, query],
        capture_output=True,
        text=True,
        check=False,
    )

    assert (ended.returncode, ended.stdout) == (0, "[False]\n"), ended.stderr
