import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.datasets import Datasets, Remote
from mlops_common.datasets.git import environment
from mlops_common.errors import BackendError, ConfigError, NotFoundError
from mlops_common.objects.local import LocalObjectStore
from mlops_common.refs import DatasetRef

pytestmark = [
    # DVC and its dependencies use what newer Pythons deprecate, and leave SQLite
    # connections to the garbage collector.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

GIT = shutil.which("git") or "git"
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


@pytest.fixture(autouse=True)
def _scratch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the scratch of DVC's own command out of /var/tmp."""
    monkeypatch.setenv("DVC_SITE_CACHE_DIR", str(tmp_path / "site"))


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def datasets(home: Path) -> Datasets:
    return datasets_in(home)


def datasets_in(home: Path, remote: Remote | None = None) -> Datasets:
    objects = LocalObjectStore(home / "objects")
    return Datasets(objects, home / "datasets", remote=remote)


def write(folder: Path, *ids: int) -> Path:
    """Write a table with these customers."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{'-'.join(map(str, ids))}.parquet"
    pq.write_table(pa.table({"customer_id": ids}), file)
    return file


def store(datasets: Datasets, folder: Path, *ids: int) -> DatasetRef:
    return datasets.store("customers", write(folder, *ids), prefix="raw")


def dvc(folder: Path, *args: str) -> None:
    """Run DVC's own command."""
    command = [sys.executable, "-m", "dvc", *args]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=120)


def git(folder: Path, *args: str) -> str:
    done = subprocess.run(
        [GIT, *args], cwd=folder, check=True, capture_output=True, env=environment()
    )
    return done.stdout.decode()


def test_dvc_itself_checks_out_every_revision(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    refs = [datasets.version(store(datasets, tmp_path, *ids)) for ids in [(1,), (1, 2)]]
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(home / "datasets"), str(clone))

    for ref in refs:
        git(clone, "checkout", "--quiet", ref.revision)
        dvc(clone, "pull")
        pulled = (clone / "customers.parquet").read_bytes()
        assert pulled == datasets.path(ref).read_bytes()


def test_the_same_bytes_make_no_second_version(
    datasets: Datasets, tmp_path: Path
) -> None:
    first = datasets.version(store(datasets, tmp_path, 1))
    second = datasets.version(store(datasets, tmp_path, 1, 2))
    again = datasets.version(store(datasets, tmp_path, 1))

    assert first.revision == again.revision == "customers@v1"
    assert second.revision == "customers@v2"
    assert datasets.revisions("customers") == ["v1", "v2"]


def test_a_later_run_reads_any_revision_by_name(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    refs = [datasets.version(store(datasets, tmp_path, number)) for number in range(11)]
    later = datasets_in(home)

    assert later.revisions("customers") == [f"v{number}" for number in range(1, 12)]
    for number, ref in enumerate(refs, start=1):
        found = later.revision("customers", f"v{number}")
        assert found == ref
        assert pq.read_table(later.path(found))["customer_id"].to_pylist() == [
            number - 1
        ]


def test_an_unknown_revision_is_told_with_those_that_are(
    datasets: Datasets, tmp_path: Path
) -> None:
    datasets.version(store(datasets, tmp_path, 1))

    for revision in ("v2", "validated", "main"):
        with pytest.raises(NotFoundError, match=rf"'{revision}'; it has: v1"):
            datasets.revision("customers", revision)


def test_approval_moves_the_pointer_and_nothing_else(
    datasets: Datasets, tmp_path: Path
) -> None:
    first = datasets.version(store(datasets, tmp_path, 1))
    second = datasets.version(store(datasets, tmp_path, 2))

    for ref in (first, second, first):
        datasets.approve(ref)
        assert datasets.revision("customers") == ref
    assert datasets.revisions("customers") == ["v1", "v2"]


def test_what_was_never_versioned_cannot_be_approved(
    datasets: Datasets, tmp_path: Path
) -> None:
    with pytest.raises(NotFoundError, match="no revision ''"):
        datasets.approve(store(datasets, tmp_path, 1))


def test_datasets_of_several_names_share_a_repository(
    datasets: Datasets, tmp_path: Path
) -> None:
    names = ("churn", "churn/training", "churn/training-2")
    for name in names:
        ref = datasets.store(name, write(tmp_path, 1), prefix="raw")
        assert datasets.version(ref).revision == f"{name}@v1"

    assert [datasets.revisions(name) for name in names] == [["v1"]] * len(names)


def test_an_object_that_is_gone_comes_back_from_its_version(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    ref = datasets.version(store(datasets, tmp_path, 1))
    expected = datasets.path(ref).read_bytes()
    datasets.objects.delete(ref.key)
    shutil.rmtree(home / "datasets" / ".dvc" / "cache")

    assert datasets.path(ref).read_bytes() == expected


def test_the_bytes_lie_on_the_disk_twice_only(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    ref = datasets.version(store(datasets, tmp_path, 1))
    size = datasets.path(ref).stat().st_size
    same = [path for path in home.rglob("*") if path.is_file()]
    inodes = {path.stat().st_ino for path in same if path.stat().st_size == size}

    assert len(inodes) == 2


def test_a_home_that_moved_works_on(
    datasets: Datasets, home: Path, tmp_path: Path
) -> None:
    datasets.version(store(datasets, tmp_path, 1))
    moved = datasets_in(home.rename(tmp_path / "moved"))
    ref = moved.version(store(moved, tmp_path, 2))

    assert ref.revision == "customers@v2"
    assert not home.exists()
    clone = tmp_path / "clone"
    git(tmp_path, "clone", "--quiet", str(tmp_path / "moved" / "datasets"), str(clone))
    dvc(clone, "pull")
    assert (clone / "customers.parquet").read_bytes() == moved.path(ref).read_bytes()


def test_the_remote_is_where_the_caller_says(home: Path, tmp_path: Path) -> None:
    datasets = datasets_in(home, remote=Remote(str(tmp_path / "elsewhere")))
    datasets.version(store(datasets, tmp_path, 1))

    assert any((tmp_path / "elsewhere").rglob("*"))
    assert not (home / "datasets.remote").exists()


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
    stride = os.environ.get("MLOPS_TEST_KILL_STRIDE", "7")
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
