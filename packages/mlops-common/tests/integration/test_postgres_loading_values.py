"""What types the columns of a loaded file get, and what becomes of their values."""

import math
from pathlib import Path

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import Loaded, load_file
from mlops_common.postgres.transfer import extract
from mlops_common.testing.shared import shared
from mlops_common.testing.tables import csv, rows

PEOPLE = """customer_id,Full Name,spend,joined,seen,active
1,Ann,10.5,2024-01-01,2024-01-01T10:00:00Z,true
2,"Bob, 'B'",7,2024-02-29,2024-02-29 11:30:00+02,false
3,,,,,
"""


def test_types_are_inferred_and_names_kept(customers: Postgres, tmp_path: Path) -> None:
    loaded = load_file(customers, csv(tmp_path, PEOPLE), "t")

    assert loaded == Loaded(
        rows=3,
        columns={
            "customer_id": "bigint",
            "Full Name": "text",
            "spend": "double precision",
            "joined": "date",
            "seen": "timestamptz",
            "active": "boolean",
        },
        blanks=4,
    )
    read = rows(customers)
    assert [row[1] for row in read] == ["Ann", "Bob, 'B'", None]
    assert [row[2] for row in read] == [10.5, 7.0, None]
    assert read[1][4].timestamp() == 1709199000.0


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        (["1", "-2"], "bigint"),
        (["1", "2.5"], "double precision"),
        (["1e3", "nan", "inf"], "double precision"),
        (["123456789012345678901"], "numeric"),
        (["007", "008"], "text"),
        (["1_000"], "text"),
        (["True", "FALSE"], "boolean"),
        (["t", "f"], "text"),
        (["2024-01-01", "2024-01-02 10:00:00"], "timestamp"),
        (["2024-01-01 10:00:00.123+00"], "timestamptz"),
        (["01/02/2024"], "text"),
        (["1", "x"], "text"),
        (["", ""], "text"),
    ],
)
def test_a_column_is_as_narrow_as_its_values_allow(
    customers: Postgres, tmp_path: Path, values: list[str], kind: str
) -> None:
    text = "n,v\n" + "".join(f"0,{value}\n" for value in values)

    assert load_file(customers, csv(tmp_path, text), "t").columns["v"] == kind


@pytest.mark.parametrize("place", [3, 9_000])
@pytest.mark.parametrize("blank", ["", " ", '""', "\t ", "\u00a0"])
def test_blanks_among_numbers_become_null_and_are_counted(
    customers: Postgres, tmp_path: Path, place: int, blank: str
) -> None:
    values = [str(n) for n in range(10_000)]
    values[place] = blank
    text = "v,w\n" + "".join(f"{value},x\n" for value in values)

    loaded = load_file(customers, csv(tmp_path, text), "t")

    assert (loaded.columns["v"], loaded.blanks) == ("bigint", 1)
    assert [row[0] for row in rows(customers)] == [
        None if n == place else n for n in range(10_000)
    ]


@pytest.mark.parametrize(
    ("late", "kind"),
    [
        ("word", "text"),
        ("2.5", "double precision"),
        ("007", "text"),
        ("99999999999999999999", "numeric"),
    ],
)
def test_a_late_value_widens_its_column(
    customers: Postgres, tmp_path: Path, late: str, kind: str
) -> None:
    values = [*map(str, range(1, 9_000)), late]
    text = "v,w\n" + "".join(f"{value},x\n" for value in values)

    loaded = load_file(customers, csv(tmp_path, text), "t")

    assert loaded.columns["v"] == kind
    assert str(rows(customers)[-1][0]) == late


def test_a_column_that_starts_blank_gets_the_type_of_its_values(
    customers: Postgres, tmp_path: Path
) -> None:
    text = "v,w\n" + ",x\n" * 6_000 + "7,x\n"

    loaded = load_file(customers, csv(tmp_path, text), "t")

    assert (loaded.columns["v"], loaded.blanks) == ("bigint", 6_000)


def test_null_and_empty_text_are_told_apart(
    customers: Postgres, tmp_path: Path
) -> None:
    load_file(customers, csv(tmp_path, 'a,b\nx,""\ny,\nz," "\n'), "t")

    assert [row[1] for row in rows(customers)] == ["", None, " "]


def test_a_quote_inside_a_value_is_kept(customers: Postgres, tmp_path: Path) -> None:
    load_file(customers, csv(tmp_path, 'a,b\n5" disk,1\n6" disk,2\n'), "t")

    assert rows(customers) == [('5" disk', 1), ('6" disk', 2)]


def test_a_parquet_file_keeps_its_types(customers: Postgres, tmp_path: Path) -> None:
    table = pa.table(
        {
            "small": pa.array([1, None], pa.int16()),
            "real": pa.array([math.inf, 0.1], pa.float64()),
            "money": pa.array([1, None], pa.decimal128(10, 2)),
            "text": ["", None],
            "when": pa.array([0, 1], pa.timestamp("us", tz="UTC")),
            "raw": [b"\x00\xff", b""],
            "many": [[1, 2], None],
        }
    )
    pq.write_table(table, tmp_path / "data.parquet")

    loaded = load_file(customers, tmp_path / "data.parquet", "t")

    assert list(loaded.columns.values()) == [
        "smallint",
        "double precision",
        "numeric(10,2)",
        "text",
        "timestamptz",
        "bytea",
        "json",
    ]
    first, second = rows(customers)
    assert first[:4] == (1, math.inf, 1, "")
    assert first[5:] == (b"\x00\xff", [1, 2])
    assert second[:4] == (None, 0.1, None, None)


CELL = st.none() | st.text(st.characters(exclude_characters="\0\r", codec="utf-8"))


@given(texts=st.lists(st.tuples(CELL, CELL), min_size=1, max_size=20))
@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_text_survives_the_way_in_and_out(
    customers: Postgres, tmp_path: Path, texts: list[tuple[str | None, str | None]]
) -> None:
    columns = [pa.array(column, pa.string()) for column in zip(*texts, strict=True)]
    word = pa.array(["word"] * len(texts))
    table = pa.Table.from_arrays([word, *columns], names=["w", "a", "b"])
    pq.write_table(table, tmp_path / "data.parquet")

    load_file(customers, tmp_path / "data.parquet", "t", replace=True)
    extract(customers, "TABLE t", tmp_path / "out.parquet")

    assert pq.read_table(tmp_path / "out.parquet").to_pydict() == table.to_pydict()


def test_the_blanks_of_telco_are_counted(customers: Postgres) -> None:
    telco = shared("data/churn/telco/Telco-Customer-Churn.csv.gz")

    loaded = load_file(customers, telco, "telco", key="number")

    assert (loaded.rows, loaded.blanks) == (7043, 11)
    assert loaded.columns["TotalCharges"] == "double precision"


def test_a_csv_that_we_export_comes_back(customers: Postgres, tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "x": [0.1, 1e300], "s": ["a,b", 'c"d']})
    pacsv.write_csv(table, tmp_path / "data.csv")

    load_file(customers, tmp_path / "data.csv", "t")

    assert rows(customers) == [(1, 0.1, "a,b"), (2, 1e300, 'c"d')]
