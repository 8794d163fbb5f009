import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.postgres import temporary_database
from uc4_lineage.marquez_api.application import application
from uc4_lineage.page.around import whole
from uc4_lineage.page.document import write
from uc4_lineage.reading import Reader
from uc4_lineage.testing.browser import LineagePage
from uc4_lineage.testing.shop import SHOP

if TYPE_CHECKING:
    from playwright.sync_api import Browser

CHROMIUM = Path("/usr/bin/chromium")


@pytest.fixture(scope="session")
def empty(postgres: Postgres) -> str:
    """The name of a database with the tables of lineage, to be copied."""
    store = LineageStore(postgres, "empty_lineage")
    store.connect().close()
    return "empty_lineage"


@pytest.fixture
def database(postgres: Postgres, empty: str) -> Iterator[str]:
    """The name of a new database, with the tables of lineage."""
    with temporary_database(postgres, empty) as name:
        yield name


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


@pytest.fixture
def client(store: LineageStore) -> Iterator[TestClient]:
    """A client of the API over the store."""
    with TestClient(application(store)) as client:
        yield client


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


@pytest.fixture(scope="session")
def shop_path(postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of a small shop."""
    postgres.ensure_database("page_of_a_shop")
    store = LineageStore(postgres, "page_of_a_shop")
    assert store.ingest(SHOP).refused == ()
    store.close()
    with store.connect() as connection:
        content = whole(Reader(connection))
    return write(content, tmp_path_factory.mktemp("page") / "lineage.html")


@pytest.fixture
def shop(browser: "Browser", shop_path: Path) -> Iterator[LineagePage]:
    """That page in a tab; nothing may have complained at the end."""
    opened = LineagePage(browser, shop_path)
    yield opened
    opened.close()
    assert opened.complaints == []
