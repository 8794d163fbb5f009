"""Fixtures for any package: `pytest_plugins = ["mlops_common.testing.fixtures"]`."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from mlops_common.postgres.database import Postgres

if TYPE_CHECKING:
    from mlops_common.testing.kubernetes import ControlPlane


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server in a temporary home, shared by the session's tests."""
    from mlops_common.testing.postgres import forget, temporary_postgres

    with temporary_postgres() as running:
        forget(running)
        yield running


@pytest.fixture
def database(postgres: Postgres) -> Iterator[str]:
    """The name of a new, empty database on the session's server."""
    from mlops_common.testing.postgres import temporary_database

    with temporary_database(postgres) as name:
        yield name


@pytest.fixture(scope="session")
def kubernetes_api() -> "Iterator[ControlPlane]":
    """A Kubernetes API server, shared by the session's tests."""
    from mlops_common.testing.kubernetes import control_plane

    with control_plane() as running:
        yield running
