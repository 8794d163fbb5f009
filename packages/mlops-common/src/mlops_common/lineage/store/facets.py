"""What the store reads out of the facets that it knows.

A facet that is not what its schema says tells nothing here; it is kept all the same.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

from mlops_common.lineage.store.event import Name, fits, instant, run_number

# What Marquez calls a source, by the scheme of its URL.
SOURCE_TYPES = {
    "postgres": "POSTGRESQL",
    "postgresql": "POSTGRESQL",
    "mysql": "MYSQL",
    "redshift": "REDSHIFT",
    "snowflake": "SNOWFLAKE",
    "bigquery": "BIGQUERY",
    "kafka": "KAFKA",
    "s3": "S3",
    "gs": "GCS",
    "file": "FILE",
}


Edge = tuple[str, str, str, str]  # output field, input field, type and subtype


class Origin(NamedTuple):
    """A field that a field was made from.

    Attributes:
        output_field: What was made; empty: the dataset as a whole.
        input: Dataset of the origin.
        input_field: Its field.
        type: `DIRECT`, `INDIRECT` or what the facet says; empty: it does not.
        subtype: Such as `IDENTITY` or `FILTER`.
        description: The transformation in words.
        masking: Whether it hides the value.
    """

    output_field: str
    input: Name
    input_field: str
    type: str = ""
    subtype: str = ""
    description: str = ""
    masking: bool = False

    @property
    def key(self) -> Edge:
        """What tells it from another of the same output and input."""
        return self.output_field, self.input_field, self.type, self.subtype


def origins(facet: Any) -> Iterator[Origin]:
    """Yield what a facet `columnLineage` says, an origin and transformation at a time.

    Examples:
        >>> a = {"namespace": "n", "name": "t", "field": "a"}
        >>> facet = {"fields": {"b": {"inputFields": [a]}}, "dataset": [a]}
        >>> [(o.output_field, o.input_field, o.type) for o in origins(facet)]
        [('b', 'a', ''), ('', 'a', 'INDIRECT')]
    """
    fields = _mapping(_mapping(facet).get("fields"))
    for field, made in fields.items():
        old = _mapping(made)
        # What the first version of the facet said of all origins at once.
        subtype = _text(old.get("transformationType"))
        description = _text(old.get("transformationDescription"))
        for item in _sequence(old.get("inputFields")):
            yield from _transformations(field, item, ("", subtype, description))
    for item in _sequence(_mapping(facet).get("dataset")):
        yield from _transformations("", item, ("INDIRECT", "", ""))


def symlinks(facet: Any) -> Iterator[tuple[Name, str]]:
    """Yield the other names that a facet `symlinks` gives a dataset, and their type."""
    for item in _sequence(_mapping(facet).get("identifiers")):
        name = _name(item)
        if name is not None:
            yield name, _text(_mapping(item).get("type"))


def tags(facet: Any) -> Iterator[tuple[str, str]]:
    """Yield the field (empty: the whole) and the tag of each that a facet gives."""
    for item in _sequence(_mapping(facet).get("tags")):
        tag, field = (_text(_mapping(item).get(key)) for key in ("key", "field"))
        if tag and fits(tag, field):
            yield field, tag


def source(facet: Any) -> tuple[str, str, str | None] | None:
    """Return name, type and URL of the source that a facet `dataSource` names.

    Examples:
        >>> source({"name": "db", "uri": "postgres://host:5432/db"})
        ('db', 'POSTGRESQL', 'postgres://host:5432/db')
    """
    name, url = (_text(_mapping(facet).get(key)) for key in ("name", "uri"))
    if not name or not fits(name):
        return None
    scheme = url.removeprefix("jdbc:").partition(":")[0].lower()
    return name, SOURCE_TYPES.get(scheme, scheme.upper() or "UNKNOWN"), url or None


def version(facet: Any) -> str | None:
    """Return the version that a facet `version` gives a dataset."""
    return _text(_mapping(facet).get("datasetVersion")) or None


def nominal_times(facet: Any) -> tuple[str | None, str | None]:
    """Return start and end that a facet `nominalTime` gives a run."""
    value = _mapping(facet)
    return _time(value.get("nominalStartTime")), _time(value.get("nominalEndTime"))


def parent(facet: Any) -> tuple[str, Name] | None:
    """Return the run and the job that a facet `parent` names."""
    run_id = _text(_mapping(_mapping(facet).get("run")).get("runId"))
    job = _name(_mapping(facet).get("job"))
    return (run_number(run_id), job) if run_id and job is not None else None


def is_deleted(facet: Any) -> bool:
    """Whether a facet says that there is none of its name any more."""
    return _mapping(facet).get("_deleted") is True


def _transformations(
    field: str, item: Any, told: tuple[str, str, str]
) -> Iterator[Origin]:
    name = _name(item)
    input_field = _text(_mapping(item).get("field"))
    if name is None or not fits(field, input_field, told[1]):
        return
    listed = _sequence(_mapping(item).get("transformations"))
    if not listed:
        yield Origin(field, name, input_field, *told)
    for one in map(_mapping, listed):
        type_, subtype = _text(one.get("type")), _text(one.get("subtype"))
        if fits(field, input_field, type_, subtype):
            description = _text(one.get("description"))
            masking = one.get("masking") is True
            yield Origin(field, name, input_field, type_, subtype, description, masking)


def _name(value: Any) -> Name | None:
    namespace, name = (_text(_mapping(value).get(k)) for k in ("namespace", "name"))
    return (namespace, name) if namespace and name and fits(namespace, name) else None


def _time(value: Any) -> str | None:
    try:
        return instant(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _sequence(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
