"""Which code made a model."""

from importlib.metadata import version
from pathlib import Path

from mlops_common import provenance


def git_commit(folder: Path | None = None) -> str:
    """Return the commit of the checkout that holds this code, or the wheel's version.

    Args:
        folder: A folder of the checkout; that of this file when omitted.

    Returns:
        40 hexadecimal digits, with `-dirty` where files differed from the commit when
        this process first asked; or, for an installed wheel, such as `uc1-churn 0.1.0`.

    Examples:
        >>> git_commit(Path("/"))[:9]
        'uc1-churn'
    """
    commit = provenance.commit(folder or Path(__file__).resolve().parent)
    return commit or f"uc1-churn {version('uc1-churn')}"


def code_digest(folder: Path | None = None) -> str:
    """Return a digest of the code itself, committed or not.

    Args:
        folder: Of a package; that of this file when omitted.

    Returns:
        16 hexadecimal digits, over the names and bytes of the package's files.

    Examples:
        >>> code_digest() == code_digest()
        True
    """
    return provenance.code_digest(folder or Path(__file__).parent)
