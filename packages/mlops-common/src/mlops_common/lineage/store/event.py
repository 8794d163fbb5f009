"""An event, checked as far as the store needs it.

What Marquez takes is taken: no `schemaURL`, an `eventType` in small letters or none, a
time without a zone (UTC is meant), a run that is known by another name than a UUID.
Facets may be unknown, or not what their schema says: they are kept as they are.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import md5
from typing import Any, NamedTuple
from uuid import UUID

from mlops_common.lineage.store.document import Document, kind
from mlops_common.lineage.store.outcome import MalformedError

LONGEST = 2_500  # bytes of a namespace and a name together, as an index holds them
LONGEST_TIME = 100  # characters, a zone in words included
SHORT = LONGEST // 4  # characters that are never more bytes than that
IS_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Name = tuple[str, str]  # namespace and name


class Dataset(NamedTuple):
    """An input or output of an event.

    Attributes:
        name: Its namespace and name.
        facets: Its facets by name, those of the input or output among them.
    """

    name: Name
    facets: dict[str, Any]


@dataclass(slots=True)
class Event:
    """An event that can be stored.

    Attributes:
        document: As it came.
        at: `eventTime` in UTC, as a text of which the greater is the later.
        stamp: That time followed by the digest: the greater is the newer.
        subject: The run; of an event without one, its own digest.
        job: Namespace and name; none of an event of a dataset.
        run_id: The run; none of an event of a job or a dataset.
        type: `eventType` in capitals, where there is one.
        inputs: What was read.
        outputs: What was written; the dataset of an event of a dataset.
        run_facets: Facets of the run by name.
        job_facets: Facets of the job by name.
    """

    document: Document
    at: str
    stamp: str
    subject: str
    job: Name | None
    run_id: str | None
    type: str | None
    inputs: list[Dataset]
    outputs: list[Dataset]
    run_facets: dict[str, Any]
    job_facets: dict[str, Any]

    @property
    def kind(self) -> str:
        """Whether it is of a `run`, a `job` or a `dataset`."""
        if self.job is None:
            return "dataset"
        return "job" if self.run_id is None else "run"


def parse(document: Document) -> Event:
    """Return the event that a document holds.

    Raises:
        MalformedError: It is no OpenLineage event; names the first place that is wrong.
    """
    value = document.value
    at = _event_time(value)
    if "job" not in value and "run" not in value:
        if "dataset" not in value:
            raise MalformedError("$", "expected `run` and `job`, `job`, or `dataset`")
        dataset = _dataset(value["dataset"], "$.dataset", "")
        digest = document.digest
        return Event(
            document, at, at + digest, digest, None, None, None, [], [dataset], {}, {}
        )
    job = _object(value.get("job"), "$.job")
    run = _object(value["run"], "$.run") if value.get("run") is not None else None
    run_id = None if run is None else _run_id(run)
    return Event(
        document,
        at,
        at + document.digest,
        run_id or document.digest,
        _name(job, "$.job"),
        run_id,
        _event_type(value) if run is not None else None,
        _datasets(value, "inputs", "inputFacets"),
        _datasets(value, "outputs", "outputFacets"),
        {} if run is None else _facets(run, "$.run"),
        _facets(job, "$.job"),
    )


def instant(text: str) -> str:
    """Return a time in UTC, as a text of which the greater is the later.

    Raises:
        ValueError: It is no time, or one outside the years 1 to 9999.

    Examples:
        >>> instant("2020-02-22T22:42:42.000Z"), instant("2020-02-22T23:42:42.5+01:00")
        ('2020-02-22T22:42:42+00:00', '2020-02-22T22:42:42.500000+00:00')
    """
    if len(text) > LONGEST_TIME:
        raise ValueError("longer than a time is")
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.fromisoformat(text.upper().partition("[")[0])
    if time.tzinfo is None:
        return time.isoformat() + "+00:00"
    try:
        return time.astimezone(UTC).isoformat()
    except OverflowError as error:
        raise ValueError(str(error)) from error


def run_number(run_id: str) -> str:
    """Return the UUID of a run: its own, or as Marquez makes one of another name.

    Examples:
        >>> run_number("4D3B8069-69B6-4708-ADE0-3275112C9F04")
        '4d3b8069-69b6-4708-ade0-3275112c9f04'
        >>> run_number("manual__2024-01-01")
        '7db913a8-a814-3e61-bc02-0d9b0d01a641'
    """
    if IS_UUID.fullmatch(run_id):
        return run_id.lower()
    digest = md5(run_id.encode(), usedforsecurity=False).digest()
    return str(UUID(bytes=digest, version=3))


def fits(*names: str) -> bool:
    """Whether an index can hold these names together."""
    return sum(len(name.encode()) for name in names) <= LONGEST


def _event_time(value: dict[str, Any]) -> str:
    text = value.get("eventTime")
    if not isinstance(text, str):
        raise MalformedError("$.eventTime", f"expected a time, found {kind(text)}")
    try:
        return _instant(text)
    except ValueError as error:
        raise MalformedError(
            "$.eventTime",
            f"expected a time such as 2020-02-22T22:42:42.000Z, found {text[:80]!r}",
        ) from error


_instant = lru_cache(4_096)(instant)


def _event_type(value: dict[str, Any]) -> str | None:
    found = value.get("eventType")
    if found is None:
        return None
    if not isinstance(found, str) or not fits(found):
        raise MalformedError(
            "$.eventType", f"expected a short text, found {kind(found)}"
        )
    return found.upper()


def _run_id(run: dict[str, Any]) -> str:
    found = run.get("runId")
    if not isinstance(found, str) or not found:
        raise MalformedError("$.run.runId", f"expected a UUID, found {kind(found)}")
    return run_number(found)


def _datasets(value: dict[str, Any], key: str, own: str) -> list[Dataset]:
    found = value.get(key)
    if found is None:
        return []
    if not isinstance(found, list):
        raise MalformedError(f"$.{key}", f"expected an array, found {kind(found)}")
    return [_dataset(item, f"$.{key}[{i}]", own) for i, item in enumerate(found)]


def _dataset(item: Any, where: str, own: str) -> Dataset:
    value = _object(item, where)
    facets = _facets(value, where)
    if own in value:
        facets = {**facets, **_facets(value, where, own)}
    return Dataset(_name(value, where), facets)


def _name(value: dict[str, Any], where: str) -> Name:
    namespace, name = _word(value, where, "namespace"), _word(value, where, "name")
    if len(namespace) + len(name) > SHORT and not fits(namespace, name):
        raise MalformedError(
            where, f"namespace and name are longer than {LONGEST:,} bytes together"
        )
    return namespace, name


def _word(value: dict[str, Any], where: str, key: str) -> str:
    found = value.get(key)
    if not isinstance(found, str) or not found:
        what = "an empty one" if found == "" else kind(found)
        raise MalformedError(f"{where}.{key}", f"expected a text, found {what}")
    return found


def _facets(value: dict[str, Any], where: str, key: str = "facets") -> dict[str, Any]:
    found = value.get(key)
    if found is None:
        return {}
    facets = _object(found, f"{where}.{key}")
    for name in facets:
        if len(name) > SHORT and not fits(name):
            raise MalformedError(
                f"{where}.{key}", f"a name is longer than {LONGEST:,} bytes"
            )
    return facets


def _object(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise MalformedError(where, f"expected an object, found {kind(value)}")
    return value
