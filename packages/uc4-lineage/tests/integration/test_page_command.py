"""`mlops lineage graph` as a user sees it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_common.testing.command import Said, home_of_commands, mlops_here
from uc4_lineage.testing.events import run_event

EVENTS = [
    run_event("load", ["raw"], ["orders"], at=0),
    run_event("sum", ["orders"], ["revenue"], at=10),
    run_event("mail", ["customers"], ["letters"], at=20),
]


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    """A home with some lineage, and a folder to work in."""
    with home_of_commands() as folder:
        Path("events.jsonl").write_text("\n".join(map(json.dumps, EVENTS)), "utf-8")
        assert run("replay", "events.jsonl").code == 0
        yield folder


def run(*words: str) -> Said:
    return mlops_here("lineage", *words)


def shown(page: Path) -> dict[str, Any]:
    """Return what a page shows."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text("utf-8"))
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def test_the_whole_graph_is_written_to_a_page_beside(home: Path) -> None:
    said = run("graph")

    assert said.code == 0
    assert "5 datasets and 3 jobs" in said.out
    assert str(home / "lineage.html") in said.out
    assert len(shown(home / "lineage.html")["nodes"]) == 8


def test_the_page_of_a_node_shows_its_lineage_and_opens_with_it(home: Path) -> None:
    said = run("graph", "orders", "--output", "pages/orders.html", "--json")

    told = json.loads(said.out)
    page = shown(home / "pages/orders.html")
    assert told["page"] == str(home / "pages/orders.html")
    assert (told["datasets"], told["jobs"]) == (3, 2)
    assert page["nodes"][page["chosen"]]["name"] == "orders"


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (("--only", "up"), {"orders", "load", "raw"}),
        (("--only", "down"), {"orders", "sum", "revenue"}),
        (("--depth", "1"), {"orders", "load", "sum"}),
        (("--at", "2026-01-01T00:05"), {"orders", "load", "raw"}),
    ],
)
def test_a_page_shows_no_more_than_what_is_asked_for(
    home: Path, words: tuple[str, ...], names: set[str]
) -> None:
    assert run("graph", "orders", "-o", "part.html", *words).code == 0

    assert {node["name"] for node in shown(home / "part.html")["nodes"]} == names


def test_a_page_of_what_is_unknown_is_not_written(home: Path) -> None:
    said = run("graph", "order", "-o", "unknown.html")

    assert said.code == 2
    assert "nearest: orders" in said.err
    assert not (home / "unknown.html").exists()


@pytest.mark.parametrize("option", [("--only", "up"), ("--depth", "1")])
def test_a_part_of_the_graph_needs_a_node_to_start_from(
    home: Path, option: tuple[str, str]
) -> None:
    said = run("graph", "-o", "all.html", *option)

    assert said.code == 2
    assert "need a NODE" in said.err
    assert not (home / "all.html").exists()


@pytest.mark.parametrize("folder", ["{home}/events.jsonl", "/proc"])
def test_a_page_that_cannot_be_written_says_why(home: Path, folder: str) -> None:
    page = f"{folder.format(home=home)}/page.html"

    said = run("graph", "-o", page)

    assert said.code == 5
    assert f"cannot write {page}: " in said.err
    assert "--output" in said.err
    assert "MLOPS_HOME" not in said.err
