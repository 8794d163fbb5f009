"""Short names for cards: of each name the end that tells it from all others."""

from collections import Counter
from collections.abc import Sequence

MOST = 6  # parts of a label; a name that needs more is shown whole


def labels(names: Sequence[str]) -> list[str]:
    """Return the shortest end of each name that no other name has.

    A path has parts between its slashes, another name between its points. A name that
    is there twice, or is the end of another one, stays whole.

    Examples:
        >>> labels(["/lake/raw/orders", "/lake/clean/orders", "shop.public.prices"])
        ['raw/orders', 'clean/orders', 'prices']
    """
    ends = [_ends(name) for name in names]
    found = Counter(end for one in ends for end in one)
    return [
        next((end for end in one if end and found[end] == 1), name)
        for name, one in zip(names, ends, strict=True)
    ]


def _ends(name: str) -> list[str]:
    """Return the ends of a name, the shortest first, the whole of it last."""
    separator = "/" if "/" in name else "."
    parts = name.split(separator)
    counts = range(1, min(len(parts) - 1, MOST) + 1)
    return [*(separator.join(parts[-count:]) for count in counts), name]
