"""Which user runs the embedded server, and where root keeps its data."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from mlops_common.postgres import placement, processes, shelter
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.testing.embedded_server import ask, postmaster, program, run
from mlops_common.testing.postgres import temporary_home

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may change users")


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the server's user can enter."""
    with temporary_home() as folder:
        yield folder


@pytest.fixture
def shelters(home: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of shelters, instead of that of the machine."""
    folder = home / "shelters"
    monkeypatch.setattr(shelter, "BASES", (folder,))
    return folder


@as_root
def test_root_shelters_the_data_of_a_home_that_is_closed(
    home: Path, shelters: Path
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    embedded = EmbeddedServer(closed)

    embedded.start()

    assert ask(embedded, "SELECT 1") == 1
    assert closed.stat().st_mode & 0o777 == 0o700
    place = placement.locate(closed)
    assert place.data.parent.parent == shelters
    embedded.remove()
    assert not place.data.parent.exists()


@as_root
@pytest.mark.usefixtures("shelters")
def test_deleting_a_closed_home_is_a_full_reset(home: Path) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    first = EmbeddedServer(closed)
    first.start()
    run(first, "CREATE TABLE old AS SELECT 7 AS n")
    abandoned = placement.locate(closed).data
    shutil.rmtree(closed)
    closed.mkdir(mode=0o700)

    second = EmbeddedServer(closed)
    second.start()

    assert ask(second, "SELECT to_regclass('old')") is None
    assert not abandoned.exists()
    assert list(processes.working_in(abandoned)) == []
    second.remove()


@as_root
def test_root_copies_programs_that_only_root_reaches(
    home: Path, shelters: Path
) -> None:
    closed = home / "closed"
    closed.mkdir(mode=0o700)
    installed = placement.programs(None).parent
    (closed / "pginstall").symlink_to(installed)

    copy = shelter.copied(closed / "pginstall")

    assert copy.parent.parent == shelters
    said = subprocess.run(
        [str(copy / "bin" / "postgres"), "--version"],
        check=True,
        capture_output=True,
        user=shelter.USER,
    )
    assert said.stdout.startswith(b"postgres (PostgreSQL) 18")
    assert shelter.copied(closed / "pginstall") == copy


@as_root
def test_a_shelter_of_a_home_that_is_not_mounted_is_kept(
    home: Path, shelters: Path
) -> None:
    control = home / "disk" / "postgres"
    control.mkdir(parents=True)
    folder = shelter.take(control)
    record = folder / shelter.RECORD
    record.write_text(record.read_text().replace('"device": ', '"device": 1'))
    shutil.rmtree(home / "disk")

    shelter.sweep()

    assert folder.is_dir()
    assert folder.parent == shelters


@as_root
def test_a_normal_user_runs_it_as_itself(home: Path) -> None:
    own = home / "own"
    own.mkdir()
    os.chown(own, 1, 1)
    body = """
        become(1)
        server.start()
        print(server.running(), server.socket_dir.stat().st_uid)
        server.stop()
        print(server.running())
    """

    said, _ = program(own, body).communicate()

    assert said.splitlines() == ["True 1", "False"]


@as_root
def test_root_runs_the_server_of_a_users_home_as_that_user(home: Path) -> None:
    own = home / "own"
    own.mkdir()
    os.chown(own, 1, 1)
    body = "become(1); server.start(); server.stop()"
    program(own, body).communicate()
    embedded = EmbeddedServer(own)

    embedded.start()

    assert psutil.Process(postmaster(embedded)).uids().real == 1
    embedded.remove()


@as_root
def test_a_user_without_a_name_is_told_so(home: Path) -> None:
    own = home / "own"
    own.mkdir()
    os.chown(own, 54321, 54321)
    body = """
        become(54321)
        try:
            server.start()
        except MlopsError as error:
            print(type(error).__name__, error)
    """

    said, _ = program(own, body).communicate()

    assert said.startswith("ConfigError PostgreSQL cannot run as user 54321, which has")
    assert "postgres.host" in said
