"""The report of a run: one HTML page that opens offline."""

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

from mlops_common.files import replacing

TEMPLATE = "templates/report.html.j2"


@dataclass(frozen=True, slots=True)
class Card:
    """A headline figure with a remark below it."""

    name: str
    value: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric with its interval and what it says, as text."""

    name: str
    value: str
    interval: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Check:
    """One limit of the gate: what was asked, what was found."""

    name: str
    found: str
    asked: str
    passed: bool


@dataclass(frozen=True, slots=True)
class Plot:
    """A picture with its caption.

    Attributes:
        png: The bytes of a PNG file.
    """

    title: str
    caption: str
    png: bytes

    @property
    def source(self) -> str:
        """The picture as a data URL, so that the page needs no other file."""
        return f"data:image/png;base64,{base64.b64encode(self.png).decode()}"


@dataclass(frozen=True, slots=True)
class Link:
    """Another page, by its address."""

    name: str
    address: str

    @property
    def opens(self) -> bool:
        """Whether a browser opens it; an object store's own address it does not.

        Examples:
            >>> Link("Data Docs", "file:///home/docs.html").opens
            True
            >>> Link("Data Docs", "s3://bucket/docs.html").opens
            False
        """
        return urlsplit(self.address).scheme in {"file", "http", "https"}


@dataclass(frozen=True, slots=True)
class Report:
    """Everything the page shows, already as text.

    Attributes:
        title: Heading of the page.
        subtitle: When and on what.
        verdict: Outcome in a few words.
        explanation: Outcome in a sentence.
        refused: Whether the outcome is a refusal.
        target_columns: Header of `targets`.
        targets: First rows of the target list.
        curl: A command that asks the endpoint; empty where nothing was deployed.
        provenance: Names and values of what the run stood on.
        links: Pages that tell more of it.
    """

    title: str
    subtitle: str
    verdict: str
    explanation: str
    refused: bool
    cards: tuple[Card, ...]
    metrics: tuple[Metric, ...]
    metrics_note: str
    plots: tuple[Plot, ...]
    checks: tuple[Check, ...]
    target_columns: tuple[str, ...] = ()
    targets: tuple[tuple[str, ...], ...] = ()
    targets_note: str = ""
    curl: str = ""
    provenance: Mapping[str, str] = field(default_factory=dict)
    links: tuple[Link, ...] = ()


def render(report: Report) -> str:
    """Return the page as HTML; every value is escaped."""
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    text = (files("uc1_churn.reporting") / TEMPLATE).read_text("utf-8")
    return environment.from_string(text).render(report=report)


def write(report: Report, path: Path) -> Path:
    """Write the page to `path`, all or nothing, and return the path."""
    with replacing(path) as partial:
        partial.write_text(render(report), "utf-8")
    return path
