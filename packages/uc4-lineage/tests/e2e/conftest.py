"""A platform of its own for the end-to-end tests, with everything embedded."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.home import reset
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.testing.postgres import temporary_home

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the warnings of Prefect's libraries pass; ours are errors here too."""
    for item in items:
        if item.path.is_relative_to(HERE):
            for rule in ("ignore", "error:::mlops_common", "error:::uc4_lineage"):
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    """A new home with its own Prefect server; no settings of the user's."""
    with temporary_home() as home, pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("MLOPS_", "PREFECT_")) and name != "MLOPS_SHARED":
                patch.delenv(name)
        patch.chdir(home)
        patch.setenv("MLOPS_HOME", str(home))
        patch.setenv("PREFECT_HOME", str(home / "profile"))
        platform = connect()
        with orchestrated(platform):
            yield platform
        reset(platform)
