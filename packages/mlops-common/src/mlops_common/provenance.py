"""Which code it was: a digest of the files of a package, committed or not."""

import hashlib
import sys
from functools import cache
from pathlib import Path


def code_digest(folder: Path) -> str:
    """Return a digest over the names and bytes of the files below a folder.

    Returns:
        16 hexadecimal digits.

    Examples:
        >>> code_digest(Path(__file__).parent) == code_digest(Path(__file__).parent)
        True
    """
    digest = hashlib.sha256()
    files = (path for path in folder.rglob("*") if path.is_file())
    for file in sorted(path for path in files if path.parent.name != "__pycache__"):
        content = hashlib.sha256(file.read_bytes()).hexdigest()
        digest.update(f"{file.relative_to(folder).as_posix()} {content}\n".encode())
    return digest.hexdigest()[:16]


@cache
def package_digest(name: str) -> str:
    """Return the digest of an imported package, or module, as it was first asked.

    What this process runs was read once too.

    Args:
        name: Without a dot, such as `uc1_churn` or `__main__`.

    Raises:
        LookupError: It is not imported, or has no file.
    """
    origin = getattr(sys.modules.get(name), "__file__", None)
    if origin is None:
        raise LookupError(f"no module {name!r} with a file is imported")
    file = Path(origin)
    if file.name == "__init__.py":
        return code_digest(file.parent)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]
