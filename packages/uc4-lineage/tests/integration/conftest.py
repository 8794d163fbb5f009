import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.reading import Reader

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")


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


@pytest.fixture(scope="session")
def browser() -> "Iterator[Browser]":
    """Headless Chromium, shared by the session's tests."""
    if not CHROMIUM.exists():
        pytest.skip(f"needs Chromium at {CHROMIUM}")
    from playwright.sync_api import sync_playwright

    sandbox = [] if os.geteuid() else ["--no-sandbox"]  # root may not have one
    with sync_playwright() as driver:
        running = driver.chromium.launch(executable_path=CHROMIUM, args=sandbox)
        yield running
        running.close()
