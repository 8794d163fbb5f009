"""Events of anyone, on a page: nothing of them is executed, nothing stops the page."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import quote

import pytest

from mlops_common.lineage.store import LineageStore
from uc4_lineage.page.around import whole
from uc4_lineage.page.content import PageContent, PageNode, Shape
from uc4_lineage.page.document import write
from uc4_lineage.reading import Reader
from uc4_lineage.testing.browser import LineagePage
from uc4_lineage.testing.events import dataset, run_event

if TYPE_CHECKING:
    from playwright.sync_api import Browser

Opening: TypeAlias = Callable[[list[dict[str, Any]]], LineagePage]
HOSTILE = (
    "</script><script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE lineage.events; --",
    "../../etc/passwd",
    "javascript:alert(1)",
    "${alert(1)} {{ 7 * 7 }}",
    "__proto__",
    "constructor",
)
SPOOFING = "invoice\u202egpj.exe\u2066\u0007"
ALERTS = {
    "documentation": {"description": HOSTILE[1]},
    "ownership": {"owners": [{"name": HOSTILE[1], "type": HOSTILE[0]}]},
    "dataSource": {"name": HOSTILE[1], "uri": "javascript:alert(1)"},
    "report": {
        "url": "javascript:alert(1)",
        "link": "data:text/html,<script>1</script>",
    },
    "version": {"datasetVersion": HOSTILE[1]},
}


@pytest.fixture
def opened(
    browser: "Browser", store: LineageStore, reader: Reader, tmp_path: Path
) -> Iterator[Opening]:
    """Opens the page of some events; nothing may have complained at the end."""
    pages: list[LineagePage] = []

    def open_(events: list[dict[str, Any]]) -> LineagePage:
        ingested = store.ingest(events)
        assert ingested.refused == ()
        path = write(whole(reader), tmp_path / "lineage.html")
        pages.append(LineagePage(browser, path))
        return pages[0]

    yield open_
    for page in pages:
        page.close()
        assert page.complaints == []


def events(name: str) -> list[dict[str, Any]]:
    """Return events in which everything that may have a name has this one."""
    written = dataset(
        name, {name: name}, {name: [f"source.{name}"]}, namespace=name, facets=ALERTS
    )
    failure = {"errorMessage": {"message": name, "programmingLanguage": name}}
    done = run_event(name, ["source"], [written], at=1, state="FAIL", facets=failure)
    done["job"]["facets"] = {
        "sql": {"query": name, "_producer": name, "_schemaURL": "https://example.org/"},
        "documentation": {
            "description": name,
            "_producer": name,
            "_schemaURL": "https://example.org/",
        },
    }
    return [done]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_shown_and_never_executed(opened: Opening, name: str) -> None:
    page = opened(events(name))

    nodes = page.listed().all_inner_texts()
    page.page.click("#columns")
    for i in range(len(nodes)):
        page.listed().nth(i).click()
        for summary in page.page.locator("#panel summary").all():
            summary.click()
        for column in page.page.locator("#panel .column").all()[:1]:
            column.click()
        page.page.mouse.move(700 + i, 500)
        page.page.reload()
        page.settle()

    assert sorted(one.strip() for one in nodes) == sorted([name, name, "source"])
    assert page.page.locator("img, iframe, object, embed, base, form").count() == 0
    assert page.page.locator("script").count() == 2


def test_every_hostile_text_is_on_the_page_as_it_is(opened: Opening) -> None:
    page = opened(events(HOSTILE[1]))

    page.choose("onerror")

    assert page.heading() == HOSTILE[1]
    assert page.page.inner_text("#panel").count(HOSTILE[1]) > 3


def test_an_address_that_is_no_page_is_no_link(opened: Opening) -> None:
    page = opened(events("orders"))

    for i in range(3):
        page.listed().nth(i).click()
        assert page.page.locator("#panel a").count() == 0


def test_characters_that_turn_a_name_around_are_spelled_out(opened: Opening) -> None:
    page = opened(events(SPOOFING))

    page.choose("invoice")

    assert page.heading() == "invoice⟨U+202E⟩gpj.exe⟨U+2066⟩⟨U+0007⟩"
    assert "\u202e" not in page.page.inner_text("body")


def test_a_hostile_permalink_is_told_as_text(opened: Opening) -> None:
    page = opened(events("orders"))

    hostile = json.dumps(f"#node={quote(HOSTILE[1])}")
    page.page.evaluate(f"location.hash = {hostile}")
    page.settle()

    assert HOSTILE[1] in page.page.inner_text("#toast")
    assert page.page.locator("img").count() == 0


def test_no_script_runs_in_the_page_but_its_own(opened: Opening) -> None:
    page = opened(events("orders"))
    allowed = list(page.complaints)

    done = page.page.evaluate(
        """() => {
          const script = document.createElement("script");
          try {
            script.textContent = "window.hacked = true";
          } catch {
            return "refused";
          }
          document.body.append(script);
          return String(window.hacked);
        }"""
    )

    assert done == "refused"
    # Chromium tells that the page's policy refused it.
    assert all("Trusted" in said for said in page.complaints[len(allowed) :])
    page.complaints[:] = allowed


def test_a_job_that_reads_what_it_writes_has_a_page(opened: Opening) -> None:
    page = opened(
        [
            run_event("upsert", ["orders"], ["orders"]),
            run_event("a", ["x"], ["y"], at=1),
            run_event("b", ["y"], ["x"], at=2),
        ]
    )

    page.choose("upsert")

    assert page.cards() == 6
    assert page.status() == "upsert, job: 1 node upstream, 1 downstream."


def test_a_facet_of_ten_megabytes_does_not_fill_the_page(
    opened: Opening, tmp_path: Path
) -> None:
    huge = {"huge": {"text": "x" * 10_000_000, "deep": [[[[{"a": 1}]]]]}}
    page = opened([run_event("load", [], [dataset("big", facets=huge)])])

    page.choose("big")
    page.page.click("#panel summary >> text=huge")

    assert (tmp_path / "lineage.html").stat().st_size < 300_000
    assert "The first 6,000 of 10,0" in page.page.inner_text("#panel details[open]")


def test_two_thousand_nodes_load_and_move(browser: "Browser", tmp_path: Path) -> None:
    nodes = tuple(
        PageNode(f"{shape}:etl:{i}", shape, "table", "etl", f"table number {i}")
        for i in range(1_000)
        for shape in (Shape.JOB, Shape.DATASET)
    )
    edges = tuple((i, i + 1) for i in range(0, 2_000, 2))
    edges += tuple((i, i + 60) for i in range(1, 1_900, 2))
    content = PageContent("large", "", nodes, edges)
    page = LineagePage(browser, write(content, tmp_path / "large.html"))
    assert page.cards() == 2_000

    places = []
    for _ in range(20):
        page.page.keyboard.press("ArrowRight")
        page.settle()
        places.append(page.seen()[1])
    page.choose("table number 777")

    assert places == sorted(set(places))
    assert page.heading() == "table number 777"
    assert page.complaints == []
    page.close()
