"""Fixtures of the package's tests."""

from hypothesis import settings

pytest_plugins = ["mlops_common.testing.fixtures"]

# A busy machine makes no property wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")
