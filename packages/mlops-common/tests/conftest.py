"""Fixtures of the package's tests."""

from hypothesis import settings

from mlops_common.orchestration.server.session import quiet

pytest_plugins = ["mlops_common.testing.fixtures"]

# A busy machine makes no property wrong.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

# As every command of ours does before the first import of Prefect, which reads how to
# log then, and never again.
quiet()
