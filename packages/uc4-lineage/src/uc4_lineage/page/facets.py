"""What the page tells of facets: values that have a name for people, and the rest.

Facets come from whoever sends events. Nothing is taken for granted: what has not the
shape that it should have is left out here, and shown as JSON all the same.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias
from urllib.parse import urlsplit

from mlops_common.params import masked
from uc4_lineage.dataset_kind import DatasetKind, kind_of
from uc4_lineage.page.content import Fact, Field

Facets: TypeAlias = Mapping[str, Any]
LINK = re.compile(r"(url|uri|link|href)$", re.IGNORECASE)
WEB = ("http", "https", "file")
DEEPEST = 4  # levels of a facet in which links are looked for


def at(value: Any, *path: str) -> Any:
    """Return what lies at a path of objects; nothing where it is not there.

    Examples:
        >>> at({"ownership": {"owners": []}}, "ownership", "owners")
        []
        >>> at({"ownership": "me"}, "ownership", "owners") is None
        True
    """
    for key in path:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def text(value: Any, *path: str) -> str:
    """Return the text or number at a path, as text; empty where there is none."""
    found = at(value, *path)
    return str(found) if isinstance(found, str | int | float) else ""


def items(value: Any, *path: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list at a path."""
    found = at(value, *path)
    return (
        [one for one in found if isinstance(one, dict)]
        if isinstance(found, list)
        else []
    )


def kind(namespace: str, facets: Facets) -> str:
    """Return what a dataset is, as far as its facets and its namespace tell.

    Examples:
        >>> kind("s3://lake", {})
        'object'
        >>> kind("shop", {"dataSource": {"uri": "postgres://db:5432/shop"}})
        'table'
    """
    told = text(facets, "datasetType", "datasetType")
    found = kind_of(namespace, told, text(facets, "dataSource", "uri"))
    if found is DatasetKind.DATASET and "schema" in facets:
        return DatasetKind.TABLE.value
    return found.value


def fields(facets: Facets) -> tuple[Field, ...]:
    """Return the columns of a schema, each name once; those of a structure by a path.

    Examples:
        >>> fields({"schema": {"fields": [{"name": "a", "fields": [{"name": "b"}]}]}})
        (Field(name='a', type='', description=''), Field(name='a.b', ...
    """
    found: dict[str, Field] = {}
    for field in _fields(items(facets, "schema", "fields"), ""):
        found.setdefault(field.name, field)
    return tuple(found.values())


def _fields(told: list[Mapping[str, Any]], above: str) -> Iterator[Field]:
    for one in told:
        name = above + text(one, "name")
        if name != above:
            yield Field(name, text(one, "type"), text(one, "description"))
            if above.count(".") < DEEPEST:
                yield from _fields(items(one, "fields"), f"{name}.")


def owners(facets: Facets) -> str:
    """Return the owners, with the role of each."""
    told = items(facets, "ownership", "owners")
    named = [(text(one, "name"), text(one, "type")) for one in told]
    return ", ".join(
        f"{name} ({role})" if role else name for name, role in named if name
    )


def quality(facets: Facets) -> str:
    """Return how many assertions hold; empty where none is told.

    Examples:
        >>> told = {"assertions": [{"success": True}, {"success": False}]}
        >>> quality({"dataQualityAssertions": told})
        '1 of 2 checks passed'
    """
    told = items(facets, "dataQualityAssertions", "assertions")
    passed = sum(one.get("success") is True for one in told)
    return f"{passed} of {len(told)} checks passed" if told else ""


def code(facets: Facets) -> str:
    """Return the query or the source of a job; empty where neither is told."""
    return text(facets, "sql", "query") or text(facets, "sourceCode", "sourceCode")


def links(facets: Facets) -> tuple[Fact, ...]:
    """Return the addresses in facets that a browser opens, each once.

    Examples:
        >>> links({"sourceCodeLocation": {"url": "https://git.example/churn"}})[0].name
        'Source code location'
    """
    found: dict[str, Fact] = {}
    for name, facet in facets.items():
        for address in _addresses(facet, DEEPEST):
            shown = masked(address)
            found.setdefault(shown, Fact(words(name), shown, shown))
    return tuple(found.values())


def words(name: str) -> str:
    """Return the name of a facet in words.

    Examples:
        >>> words("sourceCodeLocation"), words("mlops_data_docs")
        ('Source code location', 'Data docs')
    """
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.removeprefix("mlops_"))
    return parted.replace("_", " ").lower().capitalize()


def _addresses(value: Any, depth: int) -> Iterator[str]:
    for key, inner in value.items() if isinstance(value, dict) else ():
        if key.startswith("_"):
            continue
        if isinstance(inner, str) and LINK.search(key) and _opens(inner):
            yield inner
        elif depth:
            for one in inner if isinstance(inner, list) else [inner]:
                yield from _addresses(one, depth - 1)


def _opens(address: str) -> bool:
    try:
        return urlsplit(address).scheme in WEB
    except ValueError:
        return False


def as_text(facet: Any) -> str:
    """Return a facet as indented JSON, without what names its producer and schema."""
    if isinstance(facet, dict):
        facet = {
            key: value
            for key, value in facet.items()
            if key not in {"_producer", "_schemaURL", "_deleted"}
        }
    return masked(json.dumps(facet, indent=2, ensure_ascii=False))
