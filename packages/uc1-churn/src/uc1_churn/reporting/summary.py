"""A run in a few lines for Prefect: its report in short, and where the rest is."""

from collections.abc import Mapping, Sequence
from typing import Any

from uc1_churn.evaluation.holdout import TITLES, Estimate
from uc1_churn.reporting.report import Check, Report


def page(report: Report, links: Mapping[str, str]) -> str:
    """Return a Markdown page: the outcome, the figures, the checks, and links.

    Args:
        report: What the run found.
        links: Where the rest is, by name: URLs, or names that need no link.
    """
    figures = [f"- **{c.name}** {c.value} ({c.note})" for c in report.cards]
    places = [f"- **{name}** {_linked(place)}" for name, place in links.items()]
    facts = [f"- **{name}** `{value}`" for name, value in report.provenance.items()]
    parts = (
        [f"# {report.title}: {report.verdict}"],
        [report.subtitle],
        [report.explanation],
        figures,
        _checks(report.checks),
        places + facts,
    )
    return "\n\n".join("\n".join(part) for part in parts if part) + "\n"


def rows(metrics: Mapping[str, Estimate]) -> list[dict[str, Any]]:
    """Return a row a metric, with the ends of its interval."""
    return [
        {"metric": TITLES[name], **metrics[name].model_dump()}
        for name in TITLES
        if name in metrics
    ]


def _checks(checks: Sequence[Check]) -> list[str]:
    if not checks:
        return []
    lines = [
        f"| {c.name} | {c.found} | {c.asked} | {'yes' if c.passed else '**no**'} |"
        for c in checks
    ]
    return ["| gate | found | asked | kept |", "|---|---|---|---|", *lines]


def _linked(place: str) -> str:
    return f"[{place}]({place})" if place.startswith(("http", "file:")) else place
