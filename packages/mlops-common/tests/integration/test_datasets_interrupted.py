"""Versions that are made by several at once, or by who is killed or hindered."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mlops_common.datasets import Datasets, Remote
from mlops_common.errors import BackendError, ConfigError
from mlops_common.testing.datasets import datasets_in, git, store, write
from mlops_common.testing.marks import DVC

pytestmark = [*DVC, pytest.mark.usefixtures("scratch_of_dvc")]
PROGRAM = Path(__file__).with_name("killed_versions.py")
VERSION = """
import sys
from pathlib import Path
from mlops_common.datasets import Datasets
from mlops_common.objects.local import LocalObjectStore
home = Path(sys.argv[1])
datasets = Datasets(LocalObjectStore(home / "objects"), home / "datasets")
for file in sys.argv[2:]:
    ref = datasets.store("customers", Path(file), prefix="raw")
    print(datasets.version(ref).revision)
"""


def test_locks_and_halves_of_a_killed_run_do_not_hinder_the_next(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    datasets.version(store(datasets, tmp_path, 1))
    repository = home / "datasets"
    for lock in (
        "index",
        "HEAD",
        "config",
        "refs/heads/main",
        "refs/tags/customers@v2",
    ):
        (repository / ".git" / f"{lock}.lock").touch()
    (repository / ".dvc" / "tmp" / "rwlock").write_text('{"write": {"')
    (repository / ".dvc" / "tmp" / "lock").write_text(f"{os.getpid()}")
    (repository / "customers.parquet.dvc").write_text("outs:\n- md5: 12")
    (repository / "other.parquet.dvc").write_text("outs:\n- md5: 12")

    ref = datasets.version(store(datasets, tmp_path, 2))

    assert ref.revision == "customers@v2"
    assert git(repository, "status", "--porcelain") == ""


def test_a_repository_that_was_half_made_is_made_again(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    partial = home / "datasets.partial" / ".git"
    partial.mkdir(parents=True)
    (partial / "HEAD").write_text("ref: refs")

    ref = datasets.version(store(datasets, tmp_path, 1))

    assert ref.revision == "customers@v1"
    assert not partial.parent.exists()


def test_a_run_killed_at_any_step_leaves_one_version_for_the_next(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    first = datasets.version(store(datasets, tmp_path, 1))
    second = store(datasets, tmp_path, 1, 2)
    stride = os.environ.get("MLOPS_TEST_KILL_STRIDE", "11")
    done = subprocess.run(
        [sys.executable, str(PROGRAM), str(home), stride],
        input=second.model_dump_json(),
        text=True,
        stdout=subprocess.PIPE,
        check=True,
        timeout=500,
    )
    kills = json.loads(done.stdout)

    assert len(kills) >= 40 // int(stride)
    for kill in kills:
        assert kill["left"] in (["v1"], ["v1", "v2"]), kill
        assert kill["revision"] == "customers@v2", kill
        assert kill["revisions"] == ["v1", "v2"], kill
        assert kill["first"] == first.digest, kill
        assert kill["whole"], kill
        assert kill["strays"] == [], kill


def test_runs_at_once_make_each_version_once(home: Path, tmp_path: Path) -> None:
    files = [str(write(tmp_path, 1)), str(write(tmp_path, 2))]
    command = [sys.executable, "-c", VERSION, str(home), *files]
    runs = [
        subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)
    ]
    said = [run.communicate(timeout=200)[0].split() for run in runs]

    assert [run.returncode for run in runs] == [0, 0, 0]
    assert said[0] == said[1] == said[2]
    assert datasets_in(home).revisions("customers") == ["v1", "v2"]


def test_settings_of_the_users_git_play_no_part(home: Path, tmp_path: Path) -> None:
    user = tmp_path / "user"
    user.mkdir()
    (user / ".gitconfig").write_text(
        "[user]\n\tuseConfigOnly = true\n[commit]\n\tgpgsign = true\n"
        "[tag]\n\tgpgsign = true\n[core]\n\thooksPath = /nowhere\n"
    )
    hook = {"GIT_DIR": "/nowhere", "GIT_INDEX_FILE": "/nowhere", "HOME": str(user)}
    done = subprocess.run(
        [sys.executable, "-c", VERSION, str(home), str(write(tmp_path, 1))],
        env={**os.environ, **hook},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert (done.stdout, done.stderr) == ("customers@v1\n", "")
    assert git(home / "datasets", "log", "-1", "--format=%an <%ae>") == (
        "mlops <mlops@localhost>\n"
    )


def test_a_machine_without_git_is_told_to_install_it(
    datasets: Datasets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ref = store(datasets, tmp_path, 1)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(ConfigError, match=r"git, which is not on the PATH; install"):
        datasets.version(ref)


def test_a_remote_that_cannot_be_written_makes_no_version(
    home: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    datasets = datasets_in(home, remote=Remote(str(blocked / "remote")))
    ref = store(datasets, tmp_path, 1)

    with pytest.raises(BackendError, match=r"DVC could not store customers\.parquet"):
        datasets.version(ref)

    assert datasets.revisions("customers") == []
    assert datasets_in(home).version(ref).revision == "customers@v1"
