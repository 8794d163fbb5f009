"""What an OpenLineage event must hold, as the classes of its own client declare it.

Its specification publishes JSON schemas, from which the client's classes were made;
from those classes the checks are made here, so that they are as new as the client, and
compiled: an event costs microseconds. They ask what the schemas ask, and allow what
Marquez allows besides: an event without `schemaURL`, a time without a zone, and `null`
where a property may be absent. What no class declares may be there, and be anything.
"""

import enum
import types
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, Literal, TypeAlias, Union, get_args, get_origin, get_type_hints

import attr
from pydantic_core import CoreSchema, SchemaValidator, core_schema

Facets: TypeAlias = Mapping[type, Mapping[str, type]]

UNIONS = {Union, types.UnionType}
OPTIONAL = {"schemaURL", "_deleted"}
# Facets whose key in an event is not the beginning of their class's name.
KEYS = {
    "DatasetVersionDatasetFacet": "version",
    "DatasourceDatasetFacet": "dataSource",
    "InputSubsetInputDatasetFacet": "subset",
    "OutputSubsetOutputDatasetFacet": "subset",
    "ProcessingEngineRunFacet": "processing_engine",
}

TEXT = core_schema.str_schema(strict=True)
NAME = core_schema.str_schema(strict=True, min_length=1)
UUID = core_schema.custom_error_schema(
    core_schema.str_schema(
        strict=True, pattern=r"^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$"
    ),
    custom_error_type="uuid",
    custom_error_message="expected a UUID",
)
TIME = core_schema.custom_error_schema(
    core_schema.chain_schema(
        [
            # Python's years end with 9999, in any zone: no time may come near.
            core_schema.str_schema(
                strict=True,
                pattern=r"^[12][0-9]{3}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}",
            ),
            core_schema.datetime_schema(),
        ]
    ),
    custom_error_type="time",
    custom_error_message="expected a time such as 2026-01-31T08:30:00Z",
)
FORMATS = dict.fromkeys(
    ("eventTime", "lastUpdated", "nominalStartTime", "nominalEndTime"), TIME
) | {"runId": UUID}
PLAIN: dict[Any, CoreSchema] = {
    Any: core_schema.any_schema(),
    bool: core_schema.bool_schema(strict=True),
    float: core_schema.float_schema(strict=True),
    # To JSON, 3.0 is as whole as 3.
    int: core_schema.float_schema(strict=True, multiple_of=1.0),
    str: TEXT,
}


class EventKind(enum.StrEnum):
    """The three kinds of events, by the names that the specification gives them."""

    RUN = "RunEvent"
    JOB = "JobEvent"
    DATASET = "DatasetEvent"


@cache
def event_validator(kind: EventKind) -> SchemaValidator:
    """Return the compiled checks of one kind of event.

    Examples:
        >>> checks = event_validator(EventKind.DATASET)
        >>> checks.isinstance_python({"dataset": {"namespace": "db", "name": "t"}})
        False
    """
    from openlineage.client.generated import base

    schemas = _Schemas(facet_classes())
    event = schemas.of(getattr(base, kind))
    return SchemaValidator(core_schema.definitions_schema(event, schemas.made()))


@cache
def facet_classes() -> Facets:
    """Return the facets that OpenLineage knows, by what they tell of and by their key.

    Examples:
        >>> from openlineage.client.facet_v2 import RunFacet
        >>> facet_classes()[RunFacet]["nominalTime"].__name__
        'NominalTimeRunFacet'
    """
    from openlineage.client import facet_v2 as v2

    bases = (
        *(v2.RunFacet, v2.JobFacet, v2.DatasetFacet),
        *(v2.InputDatasetFacet, v2.OutputDatasetFacet),
    )
    found: dict[type, dict[str, type]] = {base: {} for base in bases}
    for declared in _declared(vars(v2)):
        for base in bases:
            if issubclass(declared, base) and declared is not base:
                found[base][_key(declared, base)] = declared
    return found


def _declared(names: Mapping[str, Any]) -> Iterator[type]:
    """Yield the classes of the modules among some names."""
    for module in names.values():
        if isinstance(module, types.ModuleType):
            yield from (
                each for each in vars(module).values() if isinstance(each, type)
            )


def _key(facet: type, base: type) -> str:
    """Return the key of a facet in an event: of `SQLJobFacet` it is `sql`."""
    stem = facet.__name__.removesuffix(base.__name__).removesuffix("DatasetFacet")
    initials = len(stem) if stem.isupper() else 1
    return KEYS.get(facet.__name__, stem[:initials].lower() + stem[initials:])


class _Schemas:
    """Schemas of classes, each made once, that refer to each other by name."""

    def __init__(self, facets: Facets) -> None:
        self._facets = facets
        self._made: dict[str, CoreSchema] = {}

    def made(self) -> list[CoreSchema]:
        """Return what the schemas refer to."""
        return list(self._made.values())

    def of(self, declared: type) -> CoreSchema:
        """Return a reference to the schema of a class."""
        name = f"{declared.__module__}.{declared.__qualname__}"
        if name not in self._made:
            self._made[name] = PLAIN[Any]  # the class may refer to itself
            hints = get_type_hints(declared)
            fields = {
                field.name: self._field(field, hints[field.name], set(hints))
                for field in attr.fields(declared)
            }
            self._made[name] = _open(fields, name)
        return core_schema.definition_reference_schema(name)

    def _field(
        self, field: "attr.Attribute[Any]", hint: Any, beside: set[str]
    ) -> core_schema.TypedDictField:
        schema = FORMATS.get(field.name) or self._schema(hint)
        optional = hint is not str and field.default is not attr.NOTHING
        if optional or field.name in OPTIONAL:
            schema = core_schema.nullable_schema(schema)
            return core_schema.typed_dict_field(schema, required=False)
        if field.init and isinstance(field.default, str) and field.default:
            schema = core_schema.literal_schema([field.default])
        elif field.name in {"namespace", "name"} and {"namespace", "name"} <= beside:
            schema = NAME
        return core_schema.typed_dict_field(schema, required=True)

    def _schema(self, hint: Any) -> CoreSchema:
        """Return the schema of a type."""
        origin, parts = get_origin(hint), get_args(hint)
        if origin in UNIONS:
            return self._union([part for part in parts if part is not types.NoneType])
        if origin is list:
            return core_schema.list_schema(self._schema(parts[0]), strict=True)
        if origin is dict and parts[1] in self._facets:
            return self._facets_of(parts[1])
        if origin is dict:
            return core_schema.dict_schema(TEXT, self._schema(parts[1]), strict=True)
        if values := _values(hint):
            return core_schema.literal_schema(values)
        return PLAIN.get(hint) or self.of(hint)

    def _union(self, parts: list[Any]) -> CoreSchema:
        """Return the schema of one of some classes, which their `type` tells apart."""
        if len(parts) == 1:
            return self._schema(parts[0])
        choices = {_tag(part): self.of(part) for part in parts}
        return core_schema.tagged_union_schema(
            choices,
            discriminator="type",
            custom_error_type="type",
            custom_error_message=f"expected an object of type {' or '.join(choices)}",
        )

    def _facets_of(self, base: type) -> CoreSchema:
        """Return the schema of facets by their key; unknown ones are facets as well."""
        name = f"facets of {base.__name__}"
        if name not in self._made:
            self._made[name] = PLAIN[Any]  # the facet `parent` holds facets
            fields = {
                key: core_schema.typed_dict_field(self.of(facet), required=False)
                for key, facet in self._facets[base].items()
            }
            self._made[name] = _open(fields, name, self.of(base))
        return core_schema.definition_reference_schema(name)


def _open(
    fields: dict[str, core_schema.TypedDictField],
    name: str,
    others: CoreSchema | None = None,
) -> CoreSchema:
    """Return the schema of an object that may hold more than these properties."""
    return core_schema.typed_dict_schema(
        fields, ref=name, extra_behavior="allow", extras_schema=others, strict=True
    )


def _values(hint: Any) -> list[Any]:
    """Return the few values that a type allows; none where it allows many."""
    if get_origin(hint) is Literal:
        return list(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return [member.value for member in hint]
    return []


def _tag(declared: type) -> str:
    """Return what the property `type` of a class always says."""
    values = _values(get_type_hints(declared)["type"])
    return str(values[0] if values else attr.fields_dict(declared)["type"].default)
