"""The report of an audit: one HTML page that opens offline, and a few lines of text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from mlops_common.files import replacing
from mlops_common.params import masked
from uc4_lineage.coverage import CheckedRun, Coverage
from uc4_lineage.naming import shown
from uc4_lineage.rendering import rendered
from uc4_lineage.result import MEANINGS, Emitted, events, runs, verdict

TEMPLATE = "templates/coverage.html.j2"
SHOWN = 200  # names of one list on the page
PUNCTUATION = re.compile(r"[!-/:-@\[-`{-~]")  # what Markdown may read as markup


@dataclass(frozen=True, slots=True)
class List:
    """Names that the page lists below a heading.

    Attributes:
        title: The heading.
        remark: What it means that a name is here.
        names: All of them.
    """

    title: str
    remark: str
    names: Sequence[str]

    @property
    def shown(self) -> Sequence[str]:
        """The first names."""
        return self.names[:SHOWN]

    @property
    def rest(self) -> str:
        """How many are not shown; empty where all are."""
        more = len(self.names) - SHOWN
        return f"and {more:,} more: see the JSON of this report" if more > 0 else ""


def lists(found: Coverage) -> tuple[List, ...]:
    """Return the lists that hold a name."""
    loose = found.loose
    every = (
        List("Without a schema", "No event told their columns.", found.without_schema),
        List("Without an owner", "No event told whose they are.", found.without_owner),
        List("Runs without an end", "They hang, or died.", loose.unended),
        List("Read but never written", "They come from outside.", loose.never_written),
        List("Written but never read", "They are ends.", loose.never_read),
        List("Stale", "They had versions once, but none of late.", loose.stale),
    )
    return tuple(one for one in every if one.names)


def render(found: Coverage, emitted: Emitted) -> str:
    """Return the page as HTML; every value is escaped."""
    return rendered(
        files("uc4_lineage") / TEMPLATE,
        found=found,
        verdict=verdict(found, emitted),
        cards=cards(found, emitted),
        lists=lists(found),
        meanings=MEANINGS,
        runs=found.gaps[:SHOWN],
    )


def write(found: Coverage, emitted: Emitted, path: Path) -> Path:
    """Write the page to `path`, all or nothing, and return the path."""
    with replacing(path) as partial:
        partial.write_text(render(found, emitted), "utf-8")
    return path


def cards(found: Coverage, emitted: Emitted) -> list[tuple[str, str]]:
    """Return the headline figures, each with its name."""
    return [
        ("Runs", runs(found)),
        ("Schema", f"{found.schemas} datasets have one"),
        ("Owner", f"{found.owners} datasets have one"),
        ("Events", events(emitted)),
    ]


def markdown(
    found: Coverage, emitted: Emitted, links: Sequence[tuple[str, str]]
) -> str:
    """Return the page in short, for Prefect; no name in it is read as markup.

    Args:
        found: What the audit found.
        emitted: What became of the events that waited.
        links: Where the rest is: name and address.
    """
    said = verdict(found, emitted)
    parts = (
        [f"# Lineage of {found.period}: {said.title.lower()}"],
        [f"- **{name}** {figure}" for name, figure in cards(found, emitted)],
        [f"- {escaped(one)}" for one in said.advice],
        [f"- **{name}** {_link(address)}" for name, address in links],
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def escaped(text: str) -> str:
    r"""Return a text as Markdown that shows it letter by letter, in one line.

    The passwords of its addresses are hidden here: nobody finds them afterwards.

    Examples:
        >>> print(escaped("<img src=x> of [a](javascript:b)"))
        \<img src\=x\> of \[a\]\(javascript\:b\)
    """
    return PUNCTUATION.sub(r"\\\g<0>", shown(masked(text)))


def _link(address: str) -> str:
    place = quote(masked(address), safe="/:@%?&=#+,;~*$")
    return f"[{escaped(address)}]({place})"


def rows(found: Coverage) -> list[dict[str, Any]]:
    """Return a row for each run that was looked at, gaps first."""
    ordered: list[CheckedRun] = sorted(
        found.runs, key=lambda run: run.lineage == "whole"
    )
    return [
        {
            "run": run.name,
            "flow": run.flow,
            "deployment": run.deployment,
            "ended": f"{run.ended:%Y-%m-%d %H:%M}",
            "state": run.state,
            "lineage": run.lineage,
        }
        for run in ordered
    ]


def title(found: Coverage, emitted: Emitted) -> str:
    """Return the name of the run that made the audit.

    Examples:
        >>> from datetime import UTC, datetime
        >>> from uc4_lineage.coverage import Period, audited
        >>> period = Period.ending(datetime(2026, 3, 2, 8, tzinfo=UTC), 24)
        >>> title(audited(period, [], []), Emitted())
        '2026-03-02 · complete'
    """
    return f"{found.period.end:%Y-%m-%d} · {verdict(found, emitted).short}"
