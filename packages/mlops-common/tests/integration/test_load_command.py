"""`mlops data load` as a user sees it, in a terminal and in a pipe."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.testing.command import home_of_commands, mlops
from mlops_common.testing.terminal import mlops_in_terminal

ROWS = 3_000_000
BAR = "━"
PERCENTAGE = re.compile(r"Load numbers.*?\b([0-9]{1,3})%")
ESCAPE = "\x1b"


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    with home_of_commands() as folder:
        yield folder


@pytest.fixture(scope="module")
def numbers(home: Path) -> Path:
    """A file that takes some seconds to load."""
    file = home / "numbers.csv"
    with file.open("w", encoding="utf-8") as stream:
        stream.write("id,square,name\n")
        stream.writelines(f"{n},{n * n},number {n}\n" for n in range(ROWS))
    return file


def test_a_terminal_shows_a_bar_that_grows(numbers: Path) -> None:
    shown = mlops_in_terminal("data", "load", str(numbers), "--table", "numbers")

    assert shown.code == 0, shown.screen
    percentages = [int(value) for value in PERCENTAGE.findall(shown.screen)]
    assert percentages == sorted(percentages)
    assert len(set(percentages)) > 3
    assert max(percentages) <= 100
    assert BAR in shown.screen
    assert f"{ROWS:,} rows in table numbers" in shown.out
    assert BAR not in shown.out


def test_a_pipe_gets_no_bar(numbers: Path) -> None:
    words = ("data", "load", str(numbers), "--table", "numbers", "--replace")
    said = mlops(*words)

    assert said.code == 0, said.err
    assert ESCAPE not in said.err + said.out
    assert BAR not in said.err + said.out
    assert re.fullmatch(r"(✓ \w[^\n]* s\n)+", said.err)


def test_json_is_all_that_standard_output_holds(numbers: Path) -> None:
    words = ("data", "load", str(numbers), "--table", "squares", "--json")

    shown = mlops_in_terminal(*words)

    assert json.loads(shown.out) == {
        "table": "squares",
        "rows": ROWS,
        "columns": {"id": "bigint", "square": "bigint", "name": "text"},
        "blanks": 0,
    }
    assert BAR in shown.screen


def test_an_error_as_json_is_json_too(home: Path) -> None:
    missing = str(home / "missing.csv")

    said = mlops("data", "load", missing, "--table", "missing", "--json")

    assert said.code == 2
    assert json.loads(said.out)["error"] == "ConfigError"
    assert missing in json.loads(said.out)["message"]
