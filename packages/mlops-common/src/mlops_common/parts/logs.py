"""The logs of a home: what `mlops logs` shows."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_common.errors import NotFoundError
from mlops_common.parts.overview import Row

PAUSE = 0.2  # seconds between two looks for more
LIMIT = 1 << 22  # bytes of the end of a log that are looked at


def log_of(rows: Iterable[Row], name: str) -> Path:
    """Return the log of a part.

    Raises:
        NotFoundError: No part of this name has a log here; lists those that do.
    """
    logs = {row.name: Path(row.log) for row in rows if row.log}
    if name not in logs:
        raise NotFoundError(f"no log of {name!r}; there are: {', '.join(logs)}")
    return logs[name]


def shown(log: Path, lines: int, *, follow: bool = False) -> Iterator[str]:
    """Yield the last lines of a log; none where nothing was ever written.

    Args:
        log: A log that is begun anew, under the same name, is followed from its
            beginning.
        lines: How many.
        follow: Go on with each line once it is whole, for ever; none is left out.
    """
    place = max(0, _size(log) - LIMIT)
    data = _read(log, place)
    *whole, rest = data.split(b"\n")
    if rest and not follow:
        whole.append(rest)
    yield from map(_text, whole[max(0, len(whole) - lines) :])
    if follow:
        yield from _followed(log, place + len(data), rest)


def _followed(log: Path, place: int, rest: bytes) -> Iterator[str]:
    while True:
        if _size(log) < place:
            place, rest = 0, b""
        if data := _read(log, place):
            place += len(data)
            *whole, rest = (rest + data).split(b"\n")
            yield from map(_text, whole)
        else:
            time.sleep(PAUSE)


def _size(log: Path) -> int:
    return log.stat().st_size if log.exists() else 0


def _read(log: Path, place: int) -> bytes:
    if not log.exists():
        return b""
    with log.open("rb") as stream:
        stream.seek(place)
        return stream.read()


def _text(line: bytes) -> str:
    return line.decode("utf-8", "replace")
