"""Public files that tests read and that are not part of the repository."""

import os
from pathlib import Path

import pytest

VARIABLE = "MLOPS_SHARED"
BESIDE = Path(__file__).resolve().parents[6] / "shared"


def shared(part: str) -> Path:
    """Return a file or folder of the shared files; skip the test where it is absent.

    Args:
        part: Relative path, such as `data/gitops/crds`.
    """
    path = Path(os.environ.get(VARIABLE, BESIDE)) / part
    if not path.exists():
        pytest.skip(f"needs {path}; set {VARIABLE} to the folder of shared files")
    return path
