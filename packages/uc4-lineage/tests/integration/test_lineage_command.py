"""`mlops lineage` as a user sees it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_common.testing.command import Said, home_of_commands, mlops, mlops_here
from uc4_lineage.testing.events import DATA, dataset, run_event

HOSTILE = "[red]x[/red]\x1b[31m\x07\u202e'; DROP TABLE lineage.jobs; --"
ESCAPE, BELL, REVERSED = "\x1b", "\x07", "\u202e"


@pytest.fixture(scope="module", autouse=True)
def home() -> Iterator[Path]:
    with home_of_commands() as folder:
        yield folder


@pytest.fixture(scope="module")
def empty(home: Path) -> Said:  # noqa: ARG001 - before the first event of this home
    """What is said before any event came."""
    return lineage("up", "orders")


@pytest.fixture(scope="module")
def events(home: Path, empty: Said) -> Path:
    """A file of events, which the store holds."""
    orders = dataset("shop.public.orders", {"id": "bigint", "price": "numeric"})
    sums = dataset("sums", {"sum": "numeric"}, {"sum": ["shop.public.orders.price"]})
    hostile = dataset(HOSTILE, {HOSTILE: "text"})
    told = [
        run_event("load", writes=[orders], at=0),
        run_event("add up", [orders], [sums], at=10),
        run_event(HOSTILE, [sums], [hostile], at=20, state="FAIL"),
    ]
    file = home / "events.jsonl"
    file.write_text("\n".join(map(json.dumps, told)), "utf-8")
    assert lineage("replay", str(file)).code == 0
    assert empty.code == 2
    return file


def lineage(*words: str) -> Said:
    return mlops_here("lineage", *words)


def answer(*words: str) -> Any:
    said = lineage(*words, "--json")
    assert said.code == 0, said.err
    return json.loads(said.out)


def test_an_empty_store_says_what_to_run(empty: Said) -> None:
    assert empty.code == 2
    assert "mlops demo" in empty.err
    assert "mlops lineage replay FILE" in empty.err


@pytest.mark.usefixtures("events")
def test_a_table_shows_names_and_distances() -> None:
    said = lineage("up", "sums")

    assert said.code == 0, said.err
    lines = [line.split() for line in said.out.splitlines()]
    assert lines[0] == f"What dataset:{DATA}:sums was made from:".split()
    assert ["dataset", "shop.public.orders", DATA, "2"] in lines
    assert lines[-1] == ["2", "jobs,", "1", "dataset"]


@pytest.mark.usefixtures("events")
def test_json_holds_what_the_table_shows() -> None:
    found = answer("impact", "orders.price")

    assert found["start"]["id"] == f"datasetField:{DATA}:shop.public.orders:price"
    levels = {one["node"]["name"]: one["level"] for one in found["affected"]}
    assert levels == {"add up": "column", "sums": "column", HOSTILE: "table"}


@pytest.mark.usefixtures("events")
def test_a_path_is_shown_along_the_data_and_columns() -> None:
    said = lineage("path", "orders", "sums")
    columns = answer("path", "orders.price", "sums.sum")
    back = lineage("path", "sums", "orders")

    assert said.code == 0, said.err
    places = [said.out.index(name) for name in ("shop.public.orders", "add up", "sums")]
    assert places == sorted(places)
    assert [(one["name"], one["field"]) for one in columns] == [
        ("shop.public.orders", "price"),
        ("sums", "sum"),
    ]
    assert back.code == 2
    told = " ".join(back.err.split())
    assert f"it flows from dataset:{DATA}:shop.public.orders to" in told


@pytest.mark.usefixtures("events")
def test_hostile_names_neither_colour_nor_steer_the_terminal() -> None:
    for words in (
        *(("down", "sums"), ("search",), ("runs",), ("orphans",), ("as-of", "now")),
        *(("stale",), ("diff", "2020-01-01"), ("up", HOSTILE), ("up", HOSTILE[:-1])),
    ):
        said = lineage(*words)

        shown = said.out + said.err
        assert "[red]x[/red]" in shown
        assert not {ESCAPE, BELL, REVERSED} & set(shown)
    assert len(answer("search")) == 6


@pytest.mark.usefixtures("events")
def test_an_error_names_the_nearest_and_is_no_traceback() -> None:
    said = lineage("down", "ordes")

    assert said.code == 2
    assert "nearest: shop.public.orders" in said.err
    assert "Traceback" not in said.err


@pytest.mark.usefixtures("events")
@pytest.mark.parametrize("text", ["yesterday", "", "2026-13-01", "0001-01-01T00+14:00"])
def test_a_time_that_is_none_is_refused(text: str) -> None:
    said = lineage("as-of", text)

    assert said.code == 2
    assert "expected a time such as 2026-03-01" in said.err


@pytest.mark.usefixtures("events")
def test_the_past_is_asked_for_by_its_time() -> None:
    before = answer("as-of", "2026-01-01T00:05Z")
    changes = answer("diff", "2026-01-01T00:05Z", "2026-01-01T00:15+00:00")
    up = answer("up", "sums", "--at", "2026-01-01T00:05")

    assert [job["name"] for job in before["jobs"]] == ["load"]
    assert before["at"] == "2026-01-01T00:05:00Z"
    assert [node["name"] for node in changes["datasets_added"]] == ["sums"]
    assert up["reached"] == []


@pytest.mark.usefixtures("events")
def test_what_would_have_broken_is_asked_for_by_its_time() -> None:
    then = lineage("impact", "orders.price", "--at", "2026-01-01T00:15")
    before = lineage("impact", "orders.price", "--at", "2026-01-01T00:05")

    assert "changes at 2026-01-01T00:15:00Z:" in then.out
    assert "add up" in then.out
    assert "[red]" not in then.out
    assert "nothing, as far as is known" in before.out


@pytest.mark.usefixtures("events")
def test_changes_are_told_with_their_times_and_backwards_with_a_word() -> None:
    times = "2026-01-01T00:05Z", "2026-01-01T00:15Z"

    forth, back = lineage("diff", *times), lineage("diff", *reversed(times))

    assert forth.out.startswith(
        "What changed from 2026-01-01T00:05:00Z to 2026-01-01T00:15:00Z:"
    )
    assert "backwards" not in forth.err
    assert "the second time is before the first" in back.err


@pytest.mark.usefixtures("events")
def test_runs_and_orphans_have_a_past() -> None:
    then = "--at", "2026-01-01T00:05"

    assert [run["job"]["name"] for run in answer("runs", *then)] == ["load"]
    (orphan,) = answer("orphans", *then)["never_read"]
    assert orphan["name"] == "shop.public.orders"


@pytest.mark.usefixtures("events")
def test_runs_may_be_chosen_by_their_state() -> None:
    (failed,) = answer("runs", "--state", "failed")

    assert failed["job"]["name"] == HOSTILE
    assert answer("runs", "load")[0]["ended_at"] == "2026-01-01T00:00:00Z"


def test_a_file_replayed_twice_gives_the_same_graph(events: Path) -> None:
    first, second = answer("replay", str(events)), answer("replay", str(events))

    assert (first["stored"], first["duplicates"], first["edges"]) == (0, 3, 5)
    assert first == second


def test_what_is_no_event_is_refused_and_the_rest_is_stored(home: Path) -> None:
    file = home / "mixed.json"
    wrong = run_event("wrong") | {"eventTime": "soon"}
    file.write_text(json.dumps([wrong, run_event("right"), 7]), "utf-8")

    found = answer("replay", str(file))

    assert (found["events"], found["stored"]) == (3, 1)
    assert "event 1: $.eventTime" in found["refused"][0]


@pytest.mark.parametrize(("text", "code"), [("{", 3), (None, 2)])
def test_a_file_that_is_none_is_refused(
    home: Path, text: str | None, code: int
) -> None:
    file = home / "broken.json"
    if text is None:
        file = home / "absent.json"
    else:
        file.write_text(text, "utf-8")

    said = lineage("replay", str(file))

    assert said.code == code
    assert file.name in said.err


def test_lineage_kept_elsewhere_cannot_be_asked(home: Path) -> None:
    settings = "lineage: {embedded: false, url: 'http://127.0.0.1:9'}"
    (home / "elsewhere.yaml").write_text(settings, "utf-8")

    said = mlops("--config", "elsewhere.yaml", "lineage", "runs", folder=home)

    assert said.code == 2
    assert "lineage.embedded" in said.err
