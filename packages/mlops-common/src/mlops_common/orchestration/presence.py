"""Which processes run a flow in a home, be it by themselves or for a worker."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from mlops_common.files import replacing
from mlops_common.processes import Identity


@dataclass(frozen=True, slots=True)
class Present:
    """A process that runs a flow.

    Attributes:
        name: What it runs, for people.
        process: It.
        run: Number of the run at the API; empty where it waits for runs.
        api: URL of that API.
    """

    name: str
    process: Identity
    run: str = ""
    api: str = ""


@contextmanager
def present(home: Path, name: str, *, run: str = "", api: str = "") -> Iterator[None]:
    """Let others see that this process runs a flow until the block ends.

    Args:
        home: Where it runs.
        name: What it runs, for people.
        run: Number of the run at the API, if there is one.
        api: URL of that API.

    Raises:
        BackendError: The disk is full, or the folder cannot be written.
    """
    own = Identity.of(os.getpid())
    record = _folder(home) / f"{own.pid}.json"
    with replacing(record, flush=False) as partial:
        who = {"pid": own.pid, "created": own.created}
        told = {"name": name, "process": who, "run": run, "api": api}
        partial.write_text(json.dumps(told), "utf-8")
    try:
        yield
    finally:
        record.unlink(missing_ok=True)


def those_present(home: Path) -> Iterator[Present]:
    """Yield who runs what; of those that were killed the record goes.

    Examples:
        >>> import tempfile
        >>> home = Path(tempfile.mkdtemp())
        >>> with present(home, "uc1"):
        ...     [one.name for one in those_present(home)]
        ['uc1']
        >>> list(those_present(home))
        []
    """
    for record in sorted(_folder(home).glob("[0-9]*.json")):
        try:
            told = json.loads(record.read_text("utf-8"))
            found = Present(**{**told, "process": Identity(**told["process"])})
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if found.process.alive():
            yield found
        else:
            record.unlink(missing_ok=True)


def _folder(home: Path) -> Path:
    return home / "runs"
