"""CSV files: what the first rows suggest, and what all of them confirm."""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import duckdb

from mlops_common.errors import ContractError
from mlops_common.postgres import engine, inference
from mlops_common.postgres.reading import Content, blamed, check_names, unpacked

DELIMITERS = ",;\t|"
HEADER_LIMIT = 1 << 20  # bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """A CSV file of which the first rows were read.

    Attributes:
        path: The file.
        delimiter: Between its values.
        names: Its columns.
        tests: The suggested type by column, in the words of `inference`.
    """

    path: Path
    delimiter: str
    names: list[str]
    tests: dict[str, str]

    @property
    def plain(self) -> bool:
        """Whether the first rows suggest a type for every column."""
        return set(self.tests) == set(self.names)

    @property
    def types(self) -> dict[str, str]:
        """The suggested type in PostgreSQL by column; text where none is."""
        tests = (self.tests.get(name, inference.TEXT) for name in self.names)
        return {
            name: inference.TYPES[test]
            for name, test in zip(self.names, tests, strict=True)
        }


def draft(connection: duckdb.DuckDBPyConnection, path: Path) -> Draft:
    """Return what the first rows of a CSV file suggest.

    Raises:
        ContractError: The file is malformed.
    """
    delimiter, names = _header(path)
    with blamed(path):
        relation = _relation(path, delimiter, names)
        tests = inference.suggest(connection, relation, names)
    return Draft(path, delimiter, names, tests)


def confirmed(connection: duckdb.DuckDBPyConnection, draft: Draft) -> Content:
    """Read a CSV file to its end, and return what it holds.

    Raises:
        ContractError: The file is malformed; names the line.
    """
    relation = _relation(draft.path, draft.delimiter, draft.names)
    with blamed(draft.path):
        found = inference.confirm(connection, relation, draft.names, draft.tests)
    texts = (
        engine.name(name)
        if kind == "text"
        else f"nullif(bare({engine.name(name)}), '')"
        for name, kind in found.types.items()
    )
    return Content(
        types=found.types,
        rows=found.rows,
        blanks=found.blanks,
        select=f"SELECT {', '.join(texts)} FROM {relation}",  # noqa: S608 - quoted
        plain=found.plain,
    )


def _header(path: Path) -> tuple[str, list[str]]:
    """Return the delimiter and the column names of a CSV file."""
    try:
        with path.open("rb") as file:
            head = unpacked(path, file).read(HEADER_LIMIT).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        head = error.object[: error.start].decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise ContractError(f"{path} is no gzip file that can be read") from error
    first = head.partition("\n")[0]
    delimiter = max(DELIMITERS, key=first.count)
    names = next(csv.reader(io.StringIO(head), delimiter=delimiter), [])
    check_names(path, names)
    return delimiter, names


def _relation(path: Path, delimiter: str, names: list[str]) -> str:
    columns = ", ".join(f"{engine.literal(name)}: 'VARCHAR'" for name in names)
    return (
        f"read_csv({engine.literal(str(path))}, auto_detect = false, header = true, "
        f"delim = {engine.literal(delimiter)}, quote = '\"', escape = '\"', "
        f"nullstr = '', allow_quoted_nulls = false, columns = {{{columns}}})"
    )
