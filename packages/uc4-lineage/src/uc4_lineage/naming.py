"""Which node a user means: a whole id, a name, or any end of one that is unique."""

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import partial
from itertools import islice

from mlops_common.errors import NotFoundError
from uc4_lineage.dataset_facets import columns_at
from uc4_lineage.node import Kind, Node
from uc4_lineage.reading import Reader, named

MOST = 20  # nodes that an end of a name may match before the rest goes untold
WAYS = 200  # in which a text may part into a dataset and a field that are tried
COMPARED = 5_000  # names
NEAREST = 3
SIMILARITY = 0.6  # of `difflib`, in 0 to 1
BOTH = (Kind.DATASET, Kind.JOB)


@dataclass(frozen=True, slots=True)
class Found:
    """A node of the store.

    Attributes:
        node: A dataset, a job, or a field of a dataset.
        key: Key of the dataset or job.
    """

    node: Node
    key: int


def find(
    reader: Reader,
    text: str,
    kinds: Collection[Kind] = BOTH,
    at: datetime | None = None,
) -> Found:
    """Return the one node that `text` means.

    Args:
        reader: Reads the store.
        text: A node id, such as `dataset:file:/data/orders.csv`; a name; or the end of
            a name, such as `orders.csv`. A field follows its dataset and a point.
        kinds: What the node may be.
        at: A time whose fields count too, besides those of now.

    Raises:
        NotFoundError: No node is called so, or several are; says which are near.
        BackendError: The store cannot be read.
    """
    owners = [kind for kind in BOTH if kind in kinds]
    found = _matches(reader, text, owners) if owners else []
    if len(found) == 1:
        return found[0]
    if found:
        raise _ambiguous(text, found)
    if Kind.FIELD in kinds:
        return _find_field(reader, text, owners, at)
    raise _unknown(reader, text, owners)


def fields(reader: Reader, dataset: int, at: datetime | None = None) -> list[str]:
    """Return the names of all fields of a dataset that are known, sorted.

    Args:
        reader: Reads the store.
        dataset: Key of the dataset.
        at: A time whose fields count too, besides those of now.
    """
    known = {name for (name,) in reader.rows("fields", dataset=dataset)}
    if at is not None:
        known |= {name for _, name in columns_at(reader, at, dataset)}
    return sorted(known)


def _matches(reader: Reader, text: str, kinds: Collection[Kind]) -> list[Found]:
    """Return the nodes that are meant most probably: one, unless it is unclear."""
    if not storable(text):
        return []
    asked = {
        "datasets": Kind.DATASET in kinds,
        "jobs": Kind.JOB in kinds,
        "text": text,
        "limit": MOST,
    }
    rows = reader.rows("matches", **asked)
    best = rows[0][3] if rows else None
    return [
        Found(named(key, space, name), key)
        for key, space, name, rank in rows
        if rank == best
    ]


def _find_field(
    reader: Reader, text: str, owners: Collection[Kind], at: datetime | None
) -> Found:
    """Return the field that `text` means, whose own name may hold points too."""
    unclear: Callable[[], NotFoundError] | None = None
    for owner, field in islice(_splits(text), WAYS):
        datasets = _matches(reader, owner, [Kind.DATASET])
        for found in datasets if len(datasets) == 1 else []:
            known = fields(reader, found.key, at)
            if field in known:
                node = found.node
                return Found(Node.of_field(node.namespace, node.name, field), found.key)
            unclear = unclear or partial(
                _unknown_field, reader, text, found, field, known
            )
        if len(datasets) > 1:
            unclear = unclear or partial(_ambiguous, owner, datasets)
    raise unclear() if unclear else _unknown(reader, text, owners or [Kind.DATASET])


def _splits(text: str) -> Iterator[tuple[str, str]]:
    """Yield each dataset and field that a text may mean, the longest name first."""
    if text.startswith(f"{Kind.FIELD}:"):
        node = f"{Kind.DATASET}:{text.partition(':')[2]}"
        places = [i for i, letter in enumerate(node) if letter == ":"]
        yield from ((node[:i], node[i + 1 :]) for i in reversed(places[2:]))
    places = [i for i, letter in enumerate(text) if letter == "."]
    yield from ((text[:i], text[i + 1 :]) for i in reversed(places))


def storable(text: str) -> bool:
    """Whether PostgreSQL can hold a text at all."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return bool(text) and "\0" not in text


def _ambiguous(text: str, found: list[Found]) -> NotFoundError:
    names = "\n".join(f"  {shown(one.node.id)}" for one in found)
    more = "\n  and more" if len(found) == MOST else ""
    return NotFoundError(
        f"{text!r} may mean any of these; give more of the name, or all of one line:\n"
        f"{names}{more}"
    )


def _unknown(reader: Reader, text: str, kinds: Collection[Kind]) -> NotFoundError:
    what = " or ".join(kind.value for kind in kinds)
    others = _matches(reader, text, [kind for kind in BOTH if kind not in kinds])
    if len(others) == 1:
        return NotFoundError(
            f"expected a {what}, found {shown(others[0].node.id)}; "
            f"`mlops lineage search` lists each {what}"
        )
    near = _similar(reader, text, kinds)
    hint = (
        f"nearest: {', '.join(map(shown, near))}"
        if near
        else "`mlops lineage search` lists all"
    )
    return NotFoundError(f"no {what} is called {text!r}; {hint}")


def _unknown_field(
    reader: Reader, text: str, found: Found, field: str, known: list[str]
) -> NotFoundError:
    """Say that a dataset lacks a field, and which node the whole text may mean."""
    near = nearest(field, known)
    names = [] if near else _similar(reader, text, BOTH)
    others = [shown(name) for name in names if name != found.node.name]
    near = near or known[:NEAREST]
    hint = f"nearest: {', '.join(map(shown, near))}" if near else "none is known of it"
    if others:
        hint += f"; or is it {', '.join(others)}?"
    return NotFoundError(f"{shown(found.node.id)} has no column {field!r}; {hint}")


def _similar(reader: Reader, text: str, kinds: Collection[Kind]) -> list[str]:
    """Return the names that look like a text, the nearest first."""
    if not storable(text):
        return []
    asked = {"datasets": Kind.DATASET in kinds, "jobs": Kind.JOB in kinds}
    rows = reader.rows("similar", text=text, limit=COMPARED, **asked)
    return nearest(text, [name for (name,) in rows])


def nearest(text: str, names: list[str]) -> list[str]:
    """Return the names that look most like a text, by the whole or by the last part.

    Examples:
        >>> nearest("order", ["shop.public.orders", "shop.public.customers"])
        ['shop.public.orders']
    """
    ends = {name.replace("/", ".").rpartition(".")[2]: name for name in reversed(names)}
    parts = [ends[end] for end in get_close_matches(text, ends, NEAREST, SIMILARITY)]
    return parts or get_close_matches(text, names, NEAREST, SIMILARITY)


def shown(text: str) -> str:
    r"""Return a name as a terminal may show it: what is not printable is written out.

    Names come from whoever sends events; a control sequence must not reach a terminal.

    Examples:
        >>> shown("orders\x1b[2J")
        'orders\\x1b[2J'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
