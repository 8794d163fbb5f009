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
def package_digest(module: str) -> str:
    """Return the digest of the package that an imported module is of.

    It is that of the first time it was asked for: what this process runs was read
    once too. A module of no package, such as `__main__`, stands for itself.

    Args:
        module: Such as `uc1_churn.tasks.reporting`.

    Raises:
        LookupError: It is not imported, or has no file.
    """
    loaded = (sys.modules.get(name) for name in (module.partition(".")[0], module))
    files = [Path(file) for part in loaded if (file := getattr(part, "__file__", None))]
    if not files:
        raise LookupError(f"no module {module!r} with a file is imported")
    if files[0].name == "__init__.py":
        return code_digest(files[0].parent)
    return hashlib.sha256(files[0].read_bytes()).hexdigest()[:16]
