"""Describes a node for people: from what the store knows to what the page shows."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from mlops_common.params import masked
from uc4_lineage.node import Kind, Node
from uc4_lineage.page import facets
from uc4_lineage.page.content import Facet, Fact, PageNode, Run, Shape, Version
from uc4_lineage.wording import lasting, to_minute

UNITS = ("B", "kB", "MB", "GB", "TB", "PB")
THOUSAND = 1_000


@dataclass
class Known:
    """What the store knows of one node.

    Attributes:
        row: Its row of `datasets` or `jobs`.
        facets: Its facets by name, those that are short enough to be read.
        run_facets: The same of a job's last run.
        shown: All of these facets, as the page shows them.
        history: Runs of a job or versions of a dataset, the newest first.
    """

    row: dict[str, Any] = field(default_factory=dict)
    facets: dict[str, Any] = field(default_factory=dict)
    run_facets: dict[str, Any] = field(default_factory=dict)
    shown: list[Facet] = field(default_factory=list)
    history: list[dict[str, Any]] = field(default_factory=list)


def page_node(node: Node, known: Known) -> PageNode:
    """Return what the page shows of a node."""
    if node.kind is Kind.JOB:
        return _job(node, known)
    versions = tuple(_version(row) for row in known.history if row["version"])
    return PageNode(
        id=node.id,
        shape=Shape.DATASET,
        kind=facets.kind(node.namespace, known.facets),
        namespace=node.namespace,
        name=node.name,
        note=node.namespace,
        description=facets.text(known.facets, "documentation", "description"),
        facts=_told(_dataset_facts(known)) + facets.links(known.facets),
        fields=facets.fields(known.facets),
        versions=versions,
        facets=tuple(known.shown),
    )


def _job(node: Node, known: Known) -> PageNode:
    runs = tuple(_run(row) for row in known.history)
    last = runs[0] if runs else None
    note = f"{last.state.lower()} {last.started[:10]}" if last else node.namespace
    return PageNode(
        id=node.id,
        shape=Shape.JOB,
        kind="job",
        namespace=node.namespace,
        name=node.name,
        note=note,
        state=last.state if last else "",
        description=facets.text(known.facets, "documentation", "description"),
        code=masked(facets.code(known.facets)),
        facts=_told(_job_facts(known)) + facets.links(known.facets | known.run_facets),
        runs=runs,
        facets=tuple(known.shown),
    )


def _told(facts: Iterator[tuple[str, str]]) -> tuple[Fact, ...]:
    return tuple(Fact(name, masked(value)) for name, value in facts if value)


def _dataset_facts(known: Known) -> Iterator[tuple[str, str]]:
    last = known.history[0] if known.history else {}
    yield "Owner", facets.owners(known.facets)
    yield "Version", last.get("version") or ""
    yield "Rows", thousands(last.get("rows"))
    yield "Size", size(last.get("size"))
    yield "Written", to_minute(last.get("created_at"))
    yield "Written by", _writer(last)
    yield "Lifecycle", (last.get("lifecycle") or "").lower()
    yield "Quality", facets.quality(known.facets)
    yield "Source", known.row.get("source") or ""
    yield "Tags", ", ".join(known.row.get("tags", ()))
    yield "Also called", ", ".join(known.row.get("other_names", ()))
    yield "First seen", to_minute(known.row.get("created_at"))
    yield "Last seen", to_minute(known.row.get("updated_at"))


def _job_facts(known: Known) -> Iterator[tuple[str, str]]:
    kind = [
        facets.text(known.facets, "jobType", key)
        for key in ("integration", "jobType", "processingType")
    ]
    engine = [
        facets.text(known.run_facets, "processing_engine", key)
        for key in ("name", "version")
    ]
    yield "Owner", facets.owners(known.facets)
    yield "Type", " · ".join(part.lower() for part in kind if part)
    yield "Engine", " ".join(part for part in engine if part)
    yield "Part of", facets.text(known.run_facets, "parent", "job", "name")
    yield "Code at", facets.text(known.facets, "sourceCodeLocation", "path")
    yield "Commit", facets.text(known.facets, "sourceCodeLocation", "version")
    yield "Tags", ", ".join(known.row.get("tags", ()))
    yield "First seen", to_minute(known.row.get("created_at"))
    yield "Last seen", to_minute(known.row.get("updated_at"))


def _writer(row: dict[str, Any]) -> str:
    name, state = row.get("job_name"), row.get("state")
    return f"{name} ({state.lower()})" if name and state else ""


def _version(row: dict[str, Any]) -> Version:
    return Version(str(row["version"]), to_minute(row["created_at"]))


def _run(row: dict[str, Any]) -> Run:
    start, end = row["started_at"], row["ended_at"]
    return Run(
        state=row["state"],
        started=to_minute(start),
        took=lasting((end - start).total_seconds()) if start and end else "",
        id=str(row["run_id"]),
        error=masked(row["error"]),
    )


def thousands(number: str | None) -> str:
    """Return a whole number with its thousands parted; anything else as it is.

    Examples:
        >>> thousands("1234567"), thousands("many"), thousands(None)
        ('1,234,567', 'many', '')
    """
    told = number or ""
    return f"{int(told):,}" if told.isascii() and told.isdigit() else told


def size(number: str | None) -> str:
    """Return a number of bytes in a unit for people; anything else as it is.

    Examples:
        >>> size("999"), size("1530000"), size(None)
        ('999 B', '1.5 MB', '')
    """
    told = number or ""
    if not (told.isascii() and told.isdigit()):
        return told
    amount, unit = float(told), 0
    while amount >= THOUSAND and unit < len(UNITS) - 1:
        amount, unit = amount / THOUSAND, unit + 1
    return f"{amount:.1f} {UNITS[unit]}" if unit else f"{told} B"
