import os
import subprocess
from pathlib import Path

import pytest

from mlops_common import locks
from mlops_common.errors import ConfigError
from mlops_common.postgres import placement, shelter

STRANGER = shelter.Owner(uid=54321, gid=54321)


def test_an_open_path_is_reachable_by_a_stranger() -> None:
    assert shelter.reachable(Path("/usr"), STRANGER)


def test_a_closed_folder_hides_what_lies_below(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    assert not shelter.reachable(closed / "below", STRANGER)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs it as another user")
def test_programs_that_the_server_s_user_cannot_reach_run_from_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shelter, "BASES", (tmp_path / "shelters",))
    monkeypatch.setattr(shelter, "reachable", lambda _path, _owner: False)

    programs = placement.programs(STRANGER)

    assert programs.is_relative_to(tmp_path)
    for program in ("initdb", "pg_ctl", "postgres"):
        subprocess.run((programs / program, "--version"), check=True)


def test_locating_a_server_touches_nothing(tmp_path: Path) -> None:
    placement.locate(tmp_path / "home")

    assert list(tmp_path.iterdir()) == []


def test_windows_is_told_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    with pytest.raises(ConfigError, match=r"Windows; use WSL, or set postgres\.host"):
        placement.locate(tmp_path)


def test_a_lock_ends_with_the_file_that_holds_it(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    assert not locks.held(path)

    with locks.opened(path) as stream:
        assert locks.claim(stream)
        assert locks.held(path)

    assert not locks.held(path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_lock_of_another_user_is_told_so(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    path.touch(mode=0o400)

    with pytest.raises(ConfigError, match="belongs to another user"):
        locks.held(path)
