"""The page as one HTML file: no other file, no network, and nothing of it is executed.

Its policy (Content-Security-Policy) allows the scripts and styles that lie beside this
module, by their hashes, and nothing else: what events say is data, whatever it says.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from mlops_common.files import replacing
from uc4_lineage.page.content import ColumnEdge, Fact, PageContent, PageNode
from uc4_lineage.page.labels import labels
from uc4_lineage.page.layout.drawing import Layout, layout
from uc4_lineage.rendering import rendered

PAGE = files("uc4_lineage.page")
TEMPLATE = "templates/page.html.j2"
STYLES = ("graph.css", "panel.css", "page.css")  # what narrow screens need comes last
# In this order they are one script; none of their names is seen outside of it.
SCRIPTS = (
    *("text.js", "theme.js", "icons.js", "model.js", "choice.js", "arrange.js"),
    *("sheet.js", "edges.js", "columns.js", "cards.js", "view.js", "minimap.js"),
    *("lists.js", "panel.js", "search.js", "address.js", "listening.js", "page.js"),
)
CARD = {"width": 224, "height": 60, "gap": 18, "pitch": 300}  # pixels
PART_GAP = 44.0  # pixels between parts of the graph that nothing joins


def write(content: PageContent, path: Path) -> Path:
    """Write the page to `path`, all or nothing, and return the path.

    Raises:
        BackendError: The disk is full, or the folder cannot be written.
    """
    with replacing(path) as partial:
        partial.write_text(render(content), "utf-8", errors="replace")
    return path


def render(content: PageContent) -> str:
    """Return the page as HTML.

    Examples:
        >>> page = render(PageContent("shop", "now", (), ()))
        >>> "<title>shop" in page
        True
    """
    style = "\n".join(_static(name) for name in STYLES)
    script = "\n".join(['(() => {\n"use strict";', *map(_static, SCRIPTS), "})();"])
    return rendered(
        PAGE / TEMPLATE,
        title=content.title,
        subtitle=content.subtitle,
        style=style,
        script=script,
        data=as_json(data(content)),
        style_hash=digest(style),
        script_hash=digest(script),
    )


def digest(text: str) -> str:
    """Return the hash of a script or style, as a policy names it.

    Examples:
        >>> digest("")
        'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='
    """
    hashed = hashlib.sha256(text.encode()).digest()
    return f"sha256-{base64.b64encode(hashed).decode()}"


def as_json(value: Any) -> str:
    r"""Return JSON that no HTML parser takes for anything but text.

    Examples:
        >>> as_json("</script>")
        '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    text = text.encode("utf-8", "replace").decode("utf-8")  # lone surrogates
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _static(name: str) -> str:
    return (PAGE / "static" / name).read_text("utf-8")


def data(content: PageContent) -> dict[str, Any]:
    """Return what the page's script reads."""
    card, gap = CARD["height"] + CARD["gap"], PART_GAP
    size = len(content.nodes)
    place = layout(size, content.edges, card=card, width=CARD["pitch"], gap=gap)
    unlisted = content.unlisted
    short = labels([node.name for node in content.nodes])
    nodes = [
        {"label": short[i], **_node(node, place, i, unlisted.get(i, ()))}
        for i, node in enumerate(content.nodes)
    ]
    return {
        "card": CARD,
        "facts": _facts(content.facts),
        "chosen": content.chosen,
        "chosenField": content.chosen_field,
        "nodes": nodes,
        "edges": _edges(content.edges, place),
        "columnEdges": [_column_edge(edge) for edge in content.column_edges],
    }


def _node(
    node: PageNode, place: Layout, i: int, unlisted: Sequence[str]
) -> dict[str, Any]:
    fields = [[one.name, one.type, one.description] for one in node.fields]
    return {
        "id": node.id,
        "type": node.shape,
        "kind": node.kind,
        "name": node.name,
        "space": node.namespace,
        "note": node.note,
        "state": node.state,
        "column": place.columns[i],
        "y": round(place.heights[i], 1),
        "fields": [*fields, *([name, "", ""] for name in unlisted)],
        "detail": _detail(node),
    }


def _detail(node: PageNode) -> dict[str, Any]:
    return {
        "description": node.description,
        "code": node.code,
        "facts": _facts(node.facts),
        "runs": [[r.state, r.started, r.took, r.id, r.error] for r in node.runs],
        "versions": [[one.version, one.created] for one in node.versions],
        "facets": [[one.name, one.text, one.left_out] for one in node.facets],
    }


def _facts(facts: Sequence[Fact]) -> list[list[str]]:
    return [[fact.name, fact.value, fact.address] for fact in facts]


def _edges(edges: Sequence[tuple[int, int]], place: Layout) -> list[list[Any]]:
    found = []
    for tail, head in dict.fromkeys(edges):
        if tail == head:
            continue
        bends = [round(height, 1) for height in place.bends.get((tail, head), ())]
        found.append([tail, head, bends, (tail, head) in place.back])
    return found


def _column_edge(edge: ColumnEdge) -> list[Any]:
    start = (edge.input, edge.input_field)
    return [*start, edge.output, edge.output_field, edge.job, edge.type]
