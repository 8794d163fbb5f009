"""Logs of processes that stay: bounded, also while they are written."""

import shutil
from contextlib import suppress
from pathlib import Path

LIMIT = 16 << 20  # bytes, after which a log is begun anew


def bound(log: Path, limit: int = LIMIT) -> bool:
    """Begin a log anew if it is longer than its limit; what it held stays beside it.

    The file stays the same, for whoever writes to it appends. Lines that are written in
    the moment of the change may be lost.

    Args:
        log: A log, be it that there is none.
        limit: Bytes.

    Returns:
        Whether it was begun anew.

    Examples:
        >>> import tempfile
        >>> log = Path(tempfile.mkdtemp()) / "server.log"
        >>> _ = log.write_text("long ago")
        >>> bound(log, limit=4), log.read_text(), older(log).read_text()
        (True, '', 'long ago')
    """
    # Without room for a copy the log goes on; the next look may find some.
    with suppress(OSError):
        if log.stat().st_size > limit:
            shutil.copyfile(log, older(log))
            with log.open("r+b") as stream:
                stream.truncate()
            return True
    return False


def older(log: Path) -> Path:
    """Return where the part of a log before its beginning is."""
    return log.with_name(f"{log.name}.1")
