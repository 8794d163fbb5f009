"""Files that a killed process leaves whole: the old content or the new one."""

import os
import tempfile
from pathlib import Path


def replace_text(path: Path, text: str) -> None:
    """Write `text` to `path`, all or nothing; its folder is made when absent.

    Raises:
        OSError: The disk is full, or the folder cannot be written.

    Examples:
        >>> path = Path(tempfile.mkdtemp()) / "state/port"
        >>> replace_text(path, "8081")
        >>> path.read_text("utf-8")
        '8081'
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
