"""The file of a page: its policy, its data, and that it is whole or not there."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.errors import BackendError
from uc4_lineage.page.content import (
    ColumnEdge,
    Facet,
    Field,
    PageContent,
    PageNode,
    Shape,
)
from uc4_lineage.page.document import as_json, data, digest, render, write

HOSTILE = (
    "</script><img src=x onerror=alert(1)>",
    "<!--<script>",
    "'; DROP TABLE lineage.events; --",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "\u202ecod.exe\u2066",
    "a\u2028b\u2029c",
)


class Reading(HTMLParser):
    """What a browser takes for elements, and the text of each script and style."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[str] = []
        self.texts: dict[str, str] = {}
        self.inside = ""
        self.policy = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append(tag)
        told = dict(attrs)
        self.inside = told.get("id") or tag
        if told.get("http-equiv") == "Content-Security-Policy":
            self.policy = told["content"] or ""

    def handle_endtag(self, tag: str) -> None:
        self.inside = self.inside if tag == "bdi" else ""

    def handle_data(self, data: str) -> None:
        if self.inside in {"data", "script", "style", "title"}:
            self.texts[self.inside] = self.texts.get(self.inside, "") + data


def node(name: str, shape: Shape = Shape.DATASET) -> PageNode:
    return PageNode(
        id=f"{shape}:{name}:{name}",
        shape=shape,
        kind="table",
        namespace=name,
        name=name,
        note=name,
        description=name,
        code=name,
        fields=(Field(name, name, name),),
        facets=(Facet(name, name, name),),
    )


def content(*names: str) -> PageContent:
    nodes = tuple(node(name) for name in names)
    return PageContent(names[0], names[0], nodes, ())


def read(page: str) -> Reading:
    found = Reading()
    found.feed(page)
    return found


def test_the_policy_allows_the_pages_own_script_and_style_and_nothing_else() -> None:
    found = read(render(content("orders")))

    assert found.policy.startswith("default-src 'none'; ")
    assert f"script-src '{digest(found.texts['script'])}';" in found.policy
    assert f"style-src '{digest(found.texts['style'])}';" in found.policy
    assert "unsafe" not in found.policy


def test_the_page_names_no_other_file() -> None:
    page = render(content("orders"))

    assert not re.search(r"\b(src|href|action)=", page)
    assert not re.search(r"@import|url\(", read(page).texts["style"])


@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_name_adds_no_element_and_stays_what_it_is(name: str) -> None:
    plain, hostile = read(render(content("orders"))), read(render(content(name)))

    assert hostile.elements == plain.elements
    assert hostile.texts["title"] == name
    told = json.loads(hostile.texts["data"])["nodes"][0]
    assert {told["name"], told["space"], told["fields"][0][0]} == {name}


@given(st.recursive(st.text() | st.integers(), st.lists, max_leaves=5))
def test_embedded_json_says_the_same_and_has_no_markup(value: object) -> None:
    told = as_json(value)

    assert not re.search("[<>&\u2028\u2029]", told)
    assert json.loads(told) == value


def test_half_a_character_does_not_stop_the_page(tmp_path: Path) -> None:
    page = write(content("half \ud800 a character"), tmp_path / "page.html")

    assert "half ? a character" in page.read_text("utf-8")


def test_columns_that_only_edges_name_are_columns_too() -> None:
    nodes = (node("orders"), node("revenue"))
    edge = ColumnEdge(0, "price", 1, "total")

    told = data(PageContent("", "", nodes, (), (edge,)))

    assert [name for name, _, _ in told["nodes"][0]["fields"]] == ["orders", "price"]
    assert [name for name, _, _ in told["nodes"][1]["fields"]] == ["revenue", "total"]


def test_an_edge_is_told_once_and_a_loop_of_one_node_not_at_all() -> None:
    nodes = (node("a"), node("b"))

    told = data(PageContent("", "", nodes, ((0, 1), (0, 1), (0, 0))))

    assert told["edges"] == [[0, 1, [], False]]


def test_an_empty_graph_has_a_page() -> None:
    told = json.loads(read(render(PageContent("none", "", (), ()))).texts["data"])

    assert told["nodes"] == []


def test_a_page_that_cannot_be_written_leaves_the_old_one(tmp_path: Path) -> None:
    path = write(content("old"), tmp_path / "page.html")
    broken = PageContent("new", "", (node("a"),), ((0, 7),))

    with pytest.raises(IndexError):
        write(broken, path)

    assert "<title>old" in path.read_text("utf-8")
    assert [one.name for one in tmp_path.iterdir()] == ["page.html"]


def test_a_folder_that_is_a_file_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(BackendError, match=r"cannot write .*page\.html"):
        write(content("orders"), tmp_path / "file" / "page.html")
