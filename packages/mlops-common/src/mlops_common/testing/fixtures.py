"""Fixtures for any package: `pytest_plugins = ["mlops_common.testing.fixtures"]`."""

import itertools
from collections.abc import Iterator

import pytest

from mlops_common.postgres.database import Postgres

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """A PostgreSQL server in a temporary home, shared by the session's tests."""
    from mlops_common.testing.postgres import temporary_postgres

    with temporary_postgres() as running:
        yield running


@pytest.fixture
def database(postgres: Postgres) -> str:
    """The name of a new, empty database on the session's server."""
    name = f"test_{next(_numbers)}"
    postgres.ensure_database(name)
    return name
