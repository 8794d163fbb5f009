"""Which processes run a flow themselves, without a worker, as `mlops run` does."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_common.files import replacing
from mlops_common.processes import Identity


@contextmanager
def present(home: Path, name: str) -> Iterator[None]:
    """Let others see that this process runs a flow until the block ends.

    Args:
        home: Where it runs.
        name: What it runs, for people.

    Raises:
        BackendError: The disk is full, or the folder cannot be written.
    """
    own = Identity.of(os.getpid())
    record = _folder(home) / f"{own.pid}.json"
    with replacing(record, flush=False) as partial:
        told = {"name": name, "pid": own.pid, "created": own.created}
        partial.write_text(json.dumps(told), "utf-8")
    try:
        yield
    finally:
        record.unlink(missing_ok=True)


def those_present(home: Path) -> Iterator[tuple[str, Identity]]:
    """Yield what is run and by whom; of those that were killed the record goes.

    Examples:
        >>> import tempfile
        >>> home = Path(tempfile.mkdtemp())
        >>> with present(home, "uc1"):
        ...     [name for name, _ in those_present(home)]
        ['uc1']
        >>> list(those_present(home))
        []
    """
    for record in sorted(_folder(home).glob("[0-9]*.json")):
        try:
            told = json.loads(record.read_text("utf-8"))
            name, who = told["name"], Identity(told["pid"], told["created"])
        except (OSError, ValueError, LookupError, TypeError):
            continue
        if who.alive():
            yield name, who
        else:
            record.unlink(missing_ok=True)


def _folder(home: Path) -> Path:
    return home / "runs"
