"""A Marquez that runs beside the tests, which they are held against."""

import os

import pytest

VARIABLE = "MLOPS_TEST_MARQUEZ_URL"


def marquez_url() -> str:
    """Return the address of a running Marquez; skip the test where none is named.

    Tests leave events there, and take what was there before for somebody else's.
    """
    url = os.environ.get(VARIABLE, "").rstrip("/")
    if not url:
        pytest.skip(f"set {VARIABLE} to the address of a running Marquez")
    return url
