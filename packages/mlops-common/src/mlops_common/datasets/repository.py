"""A git and DVC repository whose tags are the versions of datasets.

Dataset `customers` is the file `customers.parquet`, tracked by
`customers.parquet.dvc`; its third version is the tag `customers@v3`, and the tag
`customers@validated` points at the version that was approved last. Anyone can
clone the repository, check a tag out and `dvc pull`. The work tree and DVC's cache
are hard links to the object where the disk allows it, which makes the object
read-only; the remote holds an independent copy.

A version exists once its tag does. Until then every step can be killed: the next
writer discards the leftovers and does the step again, to the same effect.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

import yaml

from mlops_common.datasets.dvc import FOLDER, Dvc, Remote
from mlops_common.datasets.git import Git
from mlops_common.errors import BackendError
from mlops_common.locks import exclusive
from mlops_common.refs import DatasetRef

APPROVED = "validated"


class Repository:
    """Versions of files, by name.

    Attributes:
        folder: Top of the work tree; made with the first version.
        git: The git command in it.
        dvc: DVC in it.
    """

    def __init__(self, folder: Path, remote: Remote) -> None:
        self.folder = folder
        self.git = Git(folder)
        self.dvc = Dvc(folder, remote)

    def versions(self, name: str) -> list[DatasetRef]:
        """Return the versions of the dataset `name`, oldest first."""
        if not self._exists():
            return []
        pattern = f"refs/tags/{name}@v*[0-9]"
        tags = self.git("for-each-ref", "--format=%(refname:short)", pattern)
        return sorted(self._read(name, tags.split()), key=_number)

    def find(self, name: str, revision: str) -> DatasetRef | None:
        """Return the version that `revision` (`v3` or `validated`) names, if any."""
        if not self._exists():
            return None
        return next(iter(self._read(name, [f"{name}@{revision}"])), None)

    def same(self, ref: DatasetRef) -> DatasetRef | None:
        """Return the version with the bytes of `ref`, if any."""
        known = self.versions(ref.name)
        return next((found for found in known if found.digest == ref.digest), None)

    def add(self, ref: DatasetRef, file: Path) -> DatasetRef:
        """Make `file`, the bytes of `ref`, the next version; one that exists stays.

        Raises:
            BackendError: git, DVC, the disk or the remote failed.
            ConfigError: git is not installed.
        """
        with self._writing():
            if known := self.same(ref):
                return known
            number = 1 + max(map(_number, self.versions(ref.name)), default=0)
            version = ref.model_copy(update={"revision": f"{ref.name}@v{number}"})
            target = self._file(ref.name)
            link_or_copy(file, target)
            self.dvc.track(target)
            _annotate(_pointer(target), version)
            self._commit(f"Add {version.revision}", str(_pointer(target)))
            self.git("tag", version.revision)
            return version

    def approve(self, version: DatasetRef) -> None:
        """Move the pointer `<name>@validated` to a version."""
        with self._writing():
            pointer = f"{version.name}@{APPROVED}"
            self.git("tag", "--force", pointer, f"{version.revision}^{{commit}}")

    def reading(self, version: DatasetRef) -> AbstractContextManager[BinaryIO]:
        """Open the bytes of a version, from DVC's cache or its remote."""
        return self.dvc.reading(self._file(version.name), version.revision)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the repository alone, made when absent and clean of leftovers."""
        try:
            self.folder.parent.mkdir(parents=True, exist_ok=True)
            with exclusive(_beside(self.folder, ".lock")):
                self._prepare()
                yield
        except OSError as error:
            raise BackendError(
                f"cannot write the dataset repository {self.folder}: {error}; free "
                "some space or point MLOPS_HOME at another disk"
            ) from error

    def _prepare(self) -> None:
        if not self._exists():
            self._create()
        self.dvc.discard_leftovers()
        self.git.discard_leftovers("*.dvc")
        self.dvc.configure()
        self._commit("Configure DVC", FOLDER)

    def _exists(self) -> bool:
        return (self.folder / ".git").exists()

    def _create(self) -> None:
        """Make the repository under another name and move it into place."""
        draft = Repository(_beside(self.folder, ".partial"), self.dvc.remote)
        shutil.rmtree(draft.folder, ignore_errors=True)
        draft.folder.mkdir()
        draft.git.init()
        draft.dvc.init()
        (draft.folder / ".gitignore").write_text("*.parquet\n", "utf-8")
        draft._commit("Begin", ".")
        draft.folder.replace(self.folder)

    def _commit(self, message: str, path: str) -> None:
        """Commit `path` unless it is as it was."""
        self.git("add", "--", path)
        if self.git("status", "--porcelain", "--untracked-files=no"):
            self.git("commit", "--quiet", "--no-verify", f"--message={message}")

    def _file(self, name: str) -> Path:
        return self.folder / f"{name}.parquet"

    def _read(self, name: str, tags: list[str]) -> list[DatasetRef]:
        """Return what the commits under `tags` say about the dataset."""
        path = _pointer(self._file(name)).relative_to(self.folder).as_posix()
        texts = self.git.contents(f"{tag}:{path}" for tag in tags)
        return [DatasetRef(name=name, **yaml.safe_load(text)["meta"]) for text in texts]


def link_or_copy(source: Path, target: Path) -> None:
    """Put the bytes of `source` at `target`, as a hard link where the disk allows."""
    target.parent.mkdir(parents=True, exist_ok=True)
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _annotate(pointer: Path, version: DatasetRef) -> None:
    """Note in the file that DVC wrote which version it is."""
    values = yaml.safe_load(pointer.read_text("utf-8"))
    values["meta"] = version.model_dump(exclude={"name"})
    pointer.write_text(yaml.safe_dump(values, sort_keys=False), "utf-8")


def _pointer(file: Path) -> Path:
    return file.with_name(f"{file.name}.dvc")


def _beside(folder: Path, suffix: str) -> Path:
    return folder.with_name(f"{folder.name}{suffix}")


def _number(version: DatasetRef) -> int:
    return int(version.revision.rpartition("@v")[2])
