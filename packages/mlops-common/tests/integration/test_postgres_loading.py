import gzip
import math
import os
import random
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_common.errors import ConfigError, ContractError
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import Loaded, load_file
from mlops_common.postgres.transfer import extract
from mlops_common.sections import PostgresSettings

PEOPLE = """customer_id,Full Name,spend,joined,seen,active
1,Ann,10.5,2024-01-01,2024-01-01T10:00:00Z,true
2,"Bob, 'B'",7,2024-02-29,2024-02-29 11:30:00+02,false
3,,,,,
"""


@pytest.fixture
def customers(postgres: Postgres, database: str) -> Postgres:
    """A server whose database of source tables is empty."""
    return Postgres(PostgresSettings(database=database), postgres.server)


def csv(folder: Path, text: str, name: str = "data.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode())
    return path


def rows(postgres: Postgres, table: str = "t") -> list[tuple[Any, ...]]:
    with postgres.connect() as connection:
        return connection.execute(f'TABLE "{table}"'.encode()).fetchall()


def tables(postgres: Postgres) -> list[str]:
    with postgres.connect() as connection:
        query = "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        return [row[0] for row in connection.execute(query)]


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


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_other_delimiters_are_recognised(
    customers: Postgres, tmp_path: Path, delimiter: str
) -> None:
    text = "\ufeffa,b\r\n1,x\r\n2,y\r\n".replace(",", delimiter)

    load_file(customers, csv(tmp_path, text), "t")

    assert rows(customers) == [(1, "x"), (2, "y")]


def test_a_compressed_file_is_read_likewise(
    customers: Postgres, tmp_path: Path
) -> None:
    path = tmp_path / "data.csv.gz"
    path.write_bytes(gzip.compress(PEOPLE.encode()))

    assert load_file(customers, path, "t").rows == 3


def test_a_key_numbers_the_rows_in_their_order(
    customers: Postgres, tmp_path: Path
) -> None:
    order = list(range(30_000))
    random.Random(1).shuffle(order)  # noqa: S311
    text = "v,w\n" + "".join(f"{n},x\n" for n in order)

    loaded = load_file(customers, csv(tmp_path, text), "t", key="row id")

    assert list(loaded.columns) == ["row id", "v", "w"]
    assert sorted(rows(customers)) == [(n + 1, v, "x") for n, v in enumerate(order)]


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


def workbook(path: Path, lines: list[list[object]]) -> Path:
    """Write the smallest workbook that holds `lines`."""

    def cell(value: object) -> str:
        if value is None:
            return "<c/>"
        if isinstance(value, bool):
            return f'<c t="b"><v>{int(value)}</v></c>'
        if isinstance(value, int | float):
            return f"<c><v>{value}</v></c>"
        text = f'<t xml:space="preserve">{escape(str(value))}</t>'
        return f'<c t="inlineStr"><is>{text}</is></c>'

    space = "http://schemas.openxmlformats.org"
    body = "".join(f"<row>{''.join(map(cell, line))}</row>" for line in lines)
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{space}/package/2006/content-types"/>',
        "_rels/.rels": f'<Relationships xmlns="{space}/package/2006/relationships">'
        f'<Relationship Id="r1" Type="{space}/officeDocument/2006/relationships/'
        'officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{space}/spreadsheetml/2006/main" '
        f'xmlns:r="{space}/officeDocument/2006/relationships"><sheets>'
        '<sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": "<Relationships "
        f'xmlns="{space}/package/2006/relationships"><Relationship Id="r1" '
        f'Type="{space}/officeDocument/2006/relationships/worksheet" '
        'Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": "<worksheet "
        f'xmlns="{space}/spreadsheetml/2006/main">'
        f"<sheetData>{body}</sheetData></worksheet>",
    }
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return path


def test_a_workbook_is_read_with_its_types(customers: Postgres, tmp_path: Path) -> None:
    lines: list[list[object]] = [
        ["id", "spend", "code", "ok", "mixed"],
        [1, 1.5, "007", True, "a"],
        [2, " ", "008", False, 3],
        [3, None, None, None, None],
    ]

    loaded = load_file(customers, workbook(tmp_path / "data.xlsx", lines), "t")

    assert loaded.columns == {
        "id": "bigint",
        "spend": "double precision",
        "code": "text",
        "ok": "boolean",
        "mixed": "text",
    }
    assert loaded.blanks == 3
    assert rows(customers) == [
        (1, 1.5, "007", True, "a"),
        (2, None, "008", False, "3"),
        (3, None, None, None, None),
    ]


def test_an_existing_table_is_refused(customers: Postgres, tmp_path: Path) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")

    with pytest.raises(ConfigError, match=r"'t' exists in database .*--replace"):
        load_file(customers, csv(tmp_path, "v\n2\n"), "t")

    assert rows(customers) == [(1,)]


def test_an_existing_table_is_replaced_when_asked(
    customers: Postgres, tmp_path: Path
) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")

    load_file(customers, csv(tmp_path, "w\nx\n"), "t", replace=True)

    assert rows(customers) == [("x",)]
    assert tables(customers) == ["t"]


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


def test_a_table_of_another_schema_is_loaded(
    customers: Postgres, tmp_path: Path
) -> None:
    with customers.connect() as connection:
        connection.execute("CREATE SCHEMA raw")

    load_file(customers, csv(tmp_path, "v\n1\n"), "raw.t")

    with customers.connect() as connection:
        assert connection.execute("TABLE raw.t").fetchall() == [(1,)]


def test_a_killed_load_leaves_the_old_table(
    customers: Postgres, tmp_path: Path
) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")
    assert customers.server is not None
    pipe = tmp_path / "endless.csv"
    csv(tmp_path, "v,w\n" + "1,x\n" * 400_000, "endless.csv")
    code = f"""
from pathlib import Path
from contextlib import contextmanager
from mlops_common import progress
from mlops_common.sections import PostgresSettings
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import load_file
from mlops_common.postgres.server import EmbeddedServer

class Listener:
    @contextmanager
    def step(self, description, total, unit):
        def advance(amount):
            if total is not None:
                print("loading", flush=True)
                input()
        yield advance

settings = PostgresSettings(database={customers.settings.database!r})
postgres = Postgres(settings, EmbeddedServer(Path({str(customers.server.home)!r})))
with progress.listening(Listener()):
    load_file(postgres, Path({str(pipe)!r}), "t", replace=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as loader:
        assert loader.stdout is not None
        assert loader.stdout.readline() == b"loading\n"
        os.kill(loader.pid, signal.SIGKILL)

    load_file(customers, csv(tmp_path, "v\n2\n"), "next")
    assert rows(customers) == [(1,)]
    assert sorted(tables(customers)) == ["next", "t"]


def test_readers_see_the_old_table_until_the_new_one_is_whole(
    customers: Postgres, tmp_path: Path
) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")
    path = csv(tmp_path, "v\n" + "2\n" * 200_000, "new.csv")
    counts = set()
    loader = threading.Thread(
        target=load_file, args=(customers, path, "t"), kwargs={"replace": True}
    )
    loader.start()
    while loader.is_alive():
        counts.add(len(rows(customers)))
    loader.join()
    counts.add(len(rows(customers)))

    assert counts == {1, 200_000}


def test_two_loads_of_one_name_leave_one_whole_table(
    customers: Postgres, tmp_path: Path
) -> None:
    path = csv(tmp_path, "v\n" + "2\n" * 50_000)
    errors: list[Exception] = []

    def load() -> None:
        try:
            load_file(customers, path, "t")
        except ConfigError as error:
            errors.append(error)

    loaders = [threading.Thread(target=load) for _ in range(2)]
    for loader in loaders:
        loader.start()
    for loader in loaders:
        loader.join()

    assert len(errors) == 1
    assert len(rows(customers)) == 50_000
    assert tables(customers) == ["t"]


def test_the_blanks_of_telco_are_counted(customers: Postgres) -> None:
    root = Path(__file__).parents[4]
    shared = Path(os.environ.get("MLOPS_SHARED", root.parent / "shared"))
    telco = shared / "data/churn/telco/Telco-Customer-Churn.csv.gz"
    if not telco.is_file():
        pytest.skip(f"the shared data is not at {shared}; set MLOPS_SHARED")

    loaded = load_file(customers, telco, "telco", key="number")

    assert (loaded.rows, loaded.blanks) == (7043, 11)
    assert loaded.columns["TotalCharges"] == "double precision"


def test_a_csv_that_we_export_comes_back(customers: Postgres, tmp_path: Path) -> None:
    table = pa.table({"n": [1, 2], "x": [0.1, 1e300], "s": ["a,b", 'c"d']})
    pacsv.write_csv(table, tmp_path / "data.csv")

    load_file(customers, tmp_path / "data.csv", "t")

    assert rows(customers) == [(1, 0.1, "a,b"), (2, 1e300, 'c"d')]
