from collections.abc import Iterator

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.reading import Reader


@pytest.fixture
def store(postgres: Postgres, database: str) -> Iterator[LineageStore]:
    """An empty store."""
    store = LineageStore(postgres, database)
    yield store
    store.close()


@pytest.fixture
def reader(store: LineageStore) -> Iterator[Reader]:
    """A reader of the store."""
    with store.connect() as connection:
        yield Reader(connection)
