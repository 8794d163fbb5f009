"""Traces as text: what is known, then where to look at it."""

import re
from typing import Any
from uuid import UUID

from uc4_lineage.commands.output import called, print_table, say
from uc4_lineage.trace.fields import Chain
from uc4_lineage.trace.model import ModelTrace
from uc4_lineage.trace.prediction import PredictionTrace
from uc4_lineage.wording import to_second

UNKNOWN = "unknown"
SHOWN = 400  # characters of a statement
MOST = 20  # rows of a request
DIGEST = re.compile("[0-9a-f]{40,}")


def model(found: ModelTrace) -> None:
    """Show where a version of a model comes from."""
    rows = (
        (fact.step.value, fact.value or UNKNOWN, _lines(fact.link, fact.note))
        for fact in found.facts
    )
    print_table(("step", "what", "where"), rows)
    if not found.made:
        return
    _title("What the model was made from, by version:")
    steps = (
        (
            one.dataset.name,
            _short(one.version) or UNKNOWN,
            "" if one.job is None else one.job.name,
            to_second(one.at),
        )
        for one in found.made
    )
    print_table(("dataset", "version", "made by", "at"), steps)


def prediction(found: PredictionTrace) -> None:
    """Show where a prediction comes from."""
    rows = (
        (one.request, one.entity, to_second(one.at), f"{one.probability:.6g}")
        for one in found.predictions[:MOST]
    )
    print_table(("request", "entity", "answered", "probability"), rows)
    if len(found.predictions) > MOST:
        say(f"and {len(found.predictions) - MOST:,} more rows of the request")
    _title(f"{_asked(found)}, and the columns of the source behind it:")
    features = (
        (one.name, _value(one.value), _sources(one.chain)) for one in found.features
    )
    print_table(("feature", "value", "made from"), features)
    _ways(found)
    _title("Who answered:")
    model(found.model)


def _asked(found: PredictionTrace) -> str:
    """Say of which row the features are."""
    rows = len(found.predictions)
    if rows == 1:
        return "What the model was asked with"
    about = found.predictions[0].entity
    whom = f", about {about}" if about else ""
    return (
        f"What the model was asked with in the first of {rows:,} rows{whom} "
        "(--entity shows another)"
    )


def _ways(found: PredictionTrace) -> None:
    """Show by which jobs the columns came, each with its statement if it has one."""
    queries = {(query.job, query.run): query.text for query in found.queries}
    steps = {
        (hop.column.owner, hop.origin.owner, hop.job, hop.run): None
        for feature in found.features
        for hop in feature.chain.hops
    }
    if not steps:
        return
    _title("How these columns came there, the last step first:")
    rows = (
        (
            made.name,
            origin.name,
            _lines(job.name, _since(run), _cut(queries.get((job, run), ""))),
        )
        for made, origin, job, run in steps
    )
    print_table(("dataset", "made from", "by"), rows)


def _since(run: UUID | None) -> str:
    return "as the job made it then" if run is None else f"as told by run {run}"


def _value(value: Any) -> str:
    return "missing" if value is None else str(value)


def _title(text: str) -> None:
    say("")
    say(text)


def _sources(chain: Chain) -> tuple[str, ...]:
    return tuple(called(node) for node in chain.sources) or (UNKNOWN,)


def _lines(*texts: str) -> tuple[str, ...]:
    return tuple(text for text in texts if text)


def _cut(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= SHOWN else f"{line[:SHOWN]}…"


def _short(version: str) -> str:
    """Return a version as people compare it: the start of a digest.

    Examples:
        >>> _short("customers@v3"), _short("1380b480" * 8)
        ('customers@v3', '1380b4801380…')
    """
    return f"{version[:12]}…" if DIGEST.fullmatch(version) else version
