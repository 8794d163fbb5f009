"""Runs, and tables in the embedded server, when the disk is, or becomes, full."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings

from mlops_common.bootstrap import connect
from mlops_common.errors import BackendError
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.loading import load_file
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings
from mlops_common.settings import Settings
from mlops_common.simulation import write_company
from mlops_common.testing.canned import canned
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.testing.postgres import small_disk, temporary_home

pytestmark = PREFECT_CLIENT

DISK = 400  # MB
FULL = r"the disk of .* is full.*free some space, or point MLOPS_HOME"


@pytest.fixture(scope="module")
def small() -> Iterator[Postgres]:
    """A server on a small disk, with a company of ten customers."""
    with temporary_home() as folder, small_disk(folder, DISK):
        server = EmbeddedServer(folder / "home")
        postgres = Postgres(PostgresSettings(), server)
        try:
            simulate(postgres, 10)
            yield postgres
        finally:
            server.remove()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that is larger than the room that a run needs."""
    path = tmp_path / "wide.csv"
    path.write_text("v\n" + f"{'x' * 1000}\n" * 150_000, "utf-8")
    return path


def simulate(postgres: Postgres, customers: int) -> int:
    return write_company(
        postgres, seed=1, customers=customers, months=2, end=date(2026, 1, 1)
    )


def fill(postgres: Postgres, *, left: int) -> Path:
    """Leave some bytes of the disk."""
    assert postgres.server is not None
    filler = postgres.server.home / "filler"
    stat = os.statvfs(filler.parent)
    with filler.open("wb") as stream:
        size = stat.f_bavail * stat.f_frsize - left
        os.posix_fallocate(stream.fileno(), 0, size)
    return filler


def tables(postgres: Postgres) -> list[str]:
    with postgres.connect() as connection:
        found = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
        )
        return [name for (name,) in found.fetchall()]


def test_a_full_disk_is_told_before_a_table_is_written(
    small: Postgres, tmp_path: Path
) -> None:
    file = tmp_path / "one.csv"
    file.write_text("v\n1\n", "utf-8")
    filler = fill(small, left=20 << 20)
    try:
        with pytest.raises(BackendError, match=FULL):
            load_file(small, file, "one")
        with pytest.raises(BackendError, match=FULL):
            simulate(small, 20)
    finally:
        filler.unlink()

    assert tables(small) == ["customers"]


def test_a_disk_that_fills_during_a_load_is_told_and_leaves_nothing(
    small: Postgres, file: Path
) -> None:
    filler = fill(small, left=105 << 20)
    try:
        with pytest.raises(BackendError, match="free some space"):
            load_file(small, file, "wide")
    finally:
        filler.unlink()

    assert tables(small) == ["customers"]
    assert simulate(small, 20) == 40


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """A home on a disk with room for a run, and not for two."""
    with small_disk(tmp_path, megabytes=110):
        yield tmp_path


def note(home: Path, size: int) -> None:
    """Write bytes as a library does that keeps its notes in SQLite."""
    with closing(sqlite3.connect(home / "notes.db")) as notes:
        notes.execute("CREATE TABLE notes (note BLOB)")
        for _ in range(size >> 20):
            notes.execute("INSERT INTO notes VALUES (zeroblob(1048576))")
        notes.commit()


def test_whatever_ends_a_run_on_a_full_disk_it_is_the_disk_that_is_told(
    home: Path,
) -> None:
    with (
        canned({}) as url,
        temporary_settings({PREFECT_API_URL: f"{url}/api"}),
        pytest.raises(BackendError, match=FULL) as caught,
        orchestrated(connect(Settings(home=home))),
    ):
        note(home, 200 << 20)

    assert isinstance(caught.value.__cause__, sqlite3.OperationalError)


def test_with_room_on_the_disk_an_error_stays_what_it_is(home: Path) -> None:
    note(home, 0)

    with (
        canned({}) as url,
        temporary_settings({PREFECT_API_URL: f"{url}/api"}),
        pytest.raises(sqlite3.OperationalError, match="already exists"),
        orchestrated(connect(Settings(home=home))),
    ):
        note(home, 0)
