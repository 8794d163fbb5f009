"""Whether an event is one of OpenLineage's, and where it is not."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from pydantic import ValidationError

from mlops_common.errors import ContractError
from mlops_common.lineage.event_schema import EventKind, event_validator

ROOT = "$"
SHOWN = 60  # characters of a value in a message
TOLD = 20  # problems of one event
FACETS = frozenset({"facets", "inputFacets", "outputFacets"})
PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Where Python's words are not those of JSON.
MESSAGES = {
    "bool_type": "expected true or false",
    "dict_type": "expected an object",
    "float_type": "expected a number",
    "list_type": "expected an array",
    "multiple_of": "expected a whole number",
    "string_too_short": "expected a name",
    "string_type": "expected a string",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in an event that is not as OpenLineage's specification wants it.

    Attributes:
        path: Where, as a JSON path such as `$.outputs[0].facets.schema`.
        message: What was expected there, and what was found.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"


def problems(event: object) -> list[Problem]:
    """Return what is wrong with an event; nothing where it can be stored.

    Known facets must be as OpenLineage declares them, unless they say that they are
    deleted; unknown ones must name their producer and their schema. An event need not
    name its schema.

    Args:
        event: A decoded JSON value.

    Returns:
        At most 20 problems, in the order of the specification's properties.

    Examples:
        >>> for problem in problems({"job": {"namespace": "etl", "name": ""}}):
        ...     print(problem)
        $.eventTime: is missing
        $.producer: is missing
        $.job.name: expected a name, found ""
    """
    kind = _kind(event)
    if isinstance(kind, Problem):
        return [kind]
    try:
        event_validator(kind).validate_python(event)
    except ValidationError as error:
        details = error.errors(include_url=False, include_context=False)
        found = [_told(event, each) for each in details if not _excused(event, each)]
        return found[:TOLD]
    return []


def check(event: object) -> None:
    """Complain about an event that is none of OpenLineage's.

    Raises:
        ContractError: Names each place where it is not as it should be.

    Examples:
        >>> check([])
        Traceback (most recent call last):
        mlops_common.errors.ContractError: $: expected an object, found []
    """
    if found := problems(event):
        raise ContractError("; ".join(str(problem) for problem in found))


def _kind(event: object) -> EventKind | Problem:
    """Return the kind of an event, by what it tells of."""
    if not isinstance(event, dict):
        return Problem(ROOT, f"expected an object, found {_shown(event)}")
    if "run" in event:
        return EventKind.RUN
    if "dataset" in event and "job" in event:
        return Problem(ROOT, "tells of a dataset and a job; expected one, or a run too")
    if "dataset" in event:
        return EventKind.DATASET
    if "job" in event:
        return EventKind.JOB
    return Problem(ROOT, "expected a run and its job, a job, or a dataset")


def _excused(event: Any, detail: Mapping[str, Any]) -> bool:
    """Tell whether a facet that is deleted lacks what it no longer has."""
    location = detail["loc"]
    depth = next((i for i, step in enumerate(location) if step in FACETS), None)
    if depth is None or len(location) <= depth + 2 or location[-1] == "_producer":
        return False
    facet = _at(event, location[: depth + 2])
    deleted = isinstance(facet, dict) and facet.get("_deleted") is True
    return deleted and location[-1] != "_schemaURL"


def _told(event: Any, detail: Mapping[str, Any]) -> Problem:
    path = _path(event, detail["loc"])
    if detail["type"] == "missing":
        return Problem(path, "is missing")
    said = detail["msg"].replace("Input should be", "expected")
    message = MESSAGES.get(detail["type"], said)
    return Problem(path, f"{message}, found {_shown(detail['input'])}")


def _path(event: Any, location: Sequence[int | str]) -> str:
    """Return a JSON path; the name of a choice between classes is no step of it."""
    path, value = ROOT, event
    for number, step in enumerate(location, start=1):
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            if number < len(location):
                continue
        path += _step(step)
    return path


def _step(step: int | str) -> str:
    if isinstance(step, str) and PLAIN_KEY.fullmatch(step):
        return f".{step}"
    return f"[{orjson.dumps(step).decode()}]"


def _at(value: Any, location: Sequence[int | str]) -> Any:
    for step in location:
        value = value[step]
    return value


def _shown(value: object) -> str:
    """Return a value as JSON, not more of it than fits a message."""
    try:
        text = orjson.dumps(value).decode()
    except TypeError:  # too deep
        text = "…"
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"
