"""Fixtures of the package's tests."""

pytest_plugins = ["mlops_common.testing.fixtures"]
