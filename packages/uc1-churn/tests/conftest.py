"""Fixtures of UC1's tests."""

import os
from pathlib import Path

import pytest
from hypothesis import settings

pytest_plugins = ["mlops_common.testing.fixtures"]

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of public datasets, which is not part of the repository."""
    shared = Path(os.environ.get("MLOPS_SHARED", REPOSITORY.parent / "shared"))
    if not (shared / "data").is_dir():
        pytest.skip(f"no public datasets at {shared / 'data'}; set MLOPS_SHARED")
    return shared / "data"


# A busy machine makes no property wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
