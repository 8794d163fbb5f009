"""Files of many kinds that become tables, whole or not at all."""

import gzip
import os
import random
import signal
import subprocess
import sys
import threading
import zipfile
from pathlib import Path
from xml.sax.saxutils import escape

import pytest

from mlops_common.errors import ConfigError
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import load_file
from mlops_common.testing.tables import csv, rows, tables


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
    path.write_bytes(gzip.compress(b"v,w\n1,x\n2,\n3,z\n"))

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


def test_an_existing_table_is_replaced_when_asked(
    customers: Postgres, tmp_path: Path
) -> None:
    load_file(customers, csv(tmp_path, "v\n1\n"), "t")

    load_file(customers, csv(tmp_path, "w\nx\n"), "t", replace=True)

    assert rows(customers) == [("x",)]
    assert tables(customers) == ["t"]


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
