"""The logs of a home: what `mlops logs` shows."""

import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from mlops_common.errors import NotFoundError
from mlops_common.parts.overview import Row
from mlops_common.processes import tail

PAUSE = 0.2  # seconds between two looks for more


def log_of(rows: Iterable[Row], name: str) -> Path:
    """Return the log of a part.

    Raises:
        NotFoundError: No part of this name has a log here; lists those that do.
    """
    logs = {row.name: Path(row.log) for row in rows if row.log}
    if name not in logs:
        raise NotFoundError(f"no log of {name!r}; there are: {', '.join(logs)}")
    return logs[name]


def last(log: Path, lines: int) -> Iterator[str]:
    """Yield the last lines of a log; none where nothing was ever written."""
    yield from tail(log, lines, limit=1 << 22).splitlines()


def followed(log: Path) -> Iterator[str]:
    """Yield each line as it is written from now on, for ever.

    A log that is begun anew, under the same name, is followed from its beginning.
    """
    return _followed(log, log.stat().st_size if log.exists() else 0)


def _followed(log: Path, place: int) -> Iterator[str]:
    rest = ""
    while True:
        size = log.stat().st_size if log.exists() else 0
        if size < place:
            place, rest = 0, ""
        if size > place:
            with log.open("rb") as stream:
                stream.seek(place)
                data = stream.read()
            place += len(data)
            *lines, rest = (rest + data.decode("utf-8", "replace")).split("\n")
            yield from lines
        else:
            time.sleep(PAUSE)
