"""Files that are not loaded, and what is said of them."""

from pathlib import Path

import pytest

from mlops_common.errors import ConfigError, ContractError
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import load_file
from mlops_common.testing.tables import csv, rows, tables


def test_an_existing_table_is_refused(customers: Postgres, tmp_path: Path) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")

    with pytest.raises(ConfigError, match=r"'t' exists in database .*--replace"):
        load_file(customers, csv(tmp_path, "v\n2\n"), "t")

    assert rows(customers) == [(1,)]


def test_a_view_or_a_table_that_one_needs_is_not_replaced(
    customers: Postgres, tmp_path: Path
) -> None:
    path = csv(tmp_path, "v\n1\n")
    load_file(customers, path, "t")
    with customers.connect() as connection:
        connection.execute("CREATE VIEW seen AS SELECT * FROM t")

    with pytest.raises(ConfigError, match="drop it"):
        load_file(customers, path, "seen", replace=True)
    with pytest.raises(ConfigError, match="view seen depends on table t"):
        load_file(customers, path, "t", replace=True)

    assert rows(customers) == [(1,)]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("a,b\n1,2\n3\n", "Line: 3"),
        ("a,b\n1,2\n3,4,5\n", "Line: 3"),
        ('a,b\n1,"2\n', "Line: 2"),
        ("a,a\n1,2\n", "line 1: .* used twice: 'a'"),
        ("a,\n1,2\n", "line 1: .* empty name"),
        ("é" * 40 + "\n1\n", "line 1: .* too long"),
        ("", "is empty"),
    ],
)
def test_a_malformed_file_names_its_line_and_leaves_the_old_table(
    customers: Postgres, tmp_path: Path, text: str, told: str
) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")

    with pytest.raises(ContractError, match=told):
        load_file(customers, csv(tmp_path, text, "bad.csv"), "t", replace=True)

    assert rows(customers) == [(1,)]
    assert tables(customers) == ["t"]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("latin.csv", "a\n1\nf\xfcnf\n".encode("latin-1")),
        ("data.csv.gz", b"no gzip"),
        ("data.parquet", b"no parquet"),
        ("data.xlsx", b"no workbook"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    customers: Postgres, tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(ContractError, match=name):
        load_file(customers, tmp_path / name, "t")


@pytest.mark.parametrize(
    ("name", "table", "key", "told"),
    [
        ("absent.csv", "t", None, "no file at"),
        ("data.json", "t", None, "is none of .csv"),
        ("data.csv", "a.b.c", None, "no table name"),
        ("data.csv", "", None, "no table name"),
        ("data.csv", "t", "v", "has a column 'v'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    customers: Postgres,
    tmp_path: Path,
    name: str,
    table: str,
    key: str | None,
    told: str,
) -> None:
    csv(tmp_path, "v\n1\n")
    csv(tmp_path, "{}", "data.json")

    with pytest.raises(ConfigError, match=told):
        load_file(customers, tmp_path / name, table, key=key)
