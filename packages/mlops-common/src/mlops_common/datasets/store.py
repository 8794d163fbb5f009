"""Immutable tables by name: bytes in the object store, versions in DVC."""

import hashlib
import os
import re
import shutil
import tempfile
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit
from urllib.request import url2pathname

import pyarrow as pa
import pyarrow.parquet as pq

from mlops_common.datasets.dvc import Remote
from mlops_common.datasets.repository import APPROVED, Repository
from mlops_common.errors import ConfigError, ContractError, NotFoundError
from mlops_common.files import replacing
from mlops_common.objects.base import ObjectStore
from mlops_common.progress import step
from mlops_common.refs import DatasetRef

# Fit for file names, object keys and git tags alike.
NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]*(/[A-Za-z0-9_][A-Za-z0-9_-]*)*")


class Datasets:
    """Stores, versions, approves and finds tables.

    Attributes:
        objects: Where the bytes are, under keys that hold their digest.
        repository: The DVC repository of the versions.
    """

    def __init__(
        self,
        objects: ObjectStore,
        repository: Path,
        *,
        remote: Remote | None = None,
    ) -> None:
        """Connect; nothing is made before the first write.

        Args:
            objects: Where the bytes are.
            repository: Folder of the git and DVC repository.
            remote: Where DVC pushes; the folder `<repository>.remote` when omitted.
        """
        folder = repository.resolve()
        beside = folder.with_name(f"{folder.name}.remote")
        self.objects = objects
        self.repository = Repository(folder, remote or Remote(str(beside)))
        self._downloads = folder.with_name(f"{folder.name}.downloads")

    def store(
        self, name: str, file: Path, *, prefix: str, rows: int | None = None
    ) -> DatasetRef:
        """Store a Parquet file under its content digest; twice changes nothing.

        Args:
            name: Logical name: letters, digits, `_`, `-`, and `/` between parts.
            file: The table.
            prefix: Folder of the object key.
            rows: Number of rows; read from the file when omitted.

        Returns:
            The reference, whose key is `<prefix>/<digest>.parquet`.

        Raises:
            ConfigError: The name has other characters.
            ContractError: The file is not Parquet.
        """
        _check_name(name)
        count = _rows(file) if rows is None else rows
        with file.open("rb") as stream:
            digest = _digest(stream)
        key = f"{prefix.strip('/')}/{digest}.parquet"
        if self._stored(key) != digest:
            with step(f"Store {name}"):
                self.objects.upload(key, file, digest=digest)
                self._keep(key, digest, file)
        return DatasetRef(name=name, key=key, digest=digest, rows=count)

    def path(self, ref: DatasetRef) -> Path:
        """Return a local file with the bytes of `ref`, checked against its digest.

        It is the object itself where objects are local files, else a download that
        is kept. An object that is gone comes back from its version in DVC.

        Raises:
            NotFoundError: The object is gone and no version holds its bytes.
            ContractError: The stored bytes are not those that `ref` names.
        """
        try:
            file = self._local(ref)
        except NotFoundError:
            self._restore(ref)
            file = self._local(ref)
        with file.open("rb") as stream:
            found = _digest(stream)
        if found != ref.digest:
            raise ContractError(
                f"dataset {ref.name!r} was altered after it was stored: {file} has the "
                f"digest {found[:12]}…, expected {ref.digest[:12]}…; delete {file} and "
                f"{self.objects.uri(ref.key)} and run again, which gets it back"
            )
        return file

    def at_hand(self, ref: DatasetRef) -> Path | None:
        """Return a local file of `ref`, unchecked, where none must be downloaded."""
        file = self._file(ref.key) or self._download(ref.digest)
        return file if file.is_file() else None

    def version(self, ref: DatasetRef) -> DatasetRef:
        """Make `ref` an immutable DVC revision; the same bytes stay one revision.

        Returns:
            The reference with its revision, such as `customers@v3`.

        Raises:
            ConfigError: The name does not fit, or git is not installed.
            BackendError: git, DVC, its remote or the disk failed.
        """
        _check_name(ref.name)
        known = self.repository.same(ref)
        if known is None:
            file = self.path(ref)
            with step(f"Version {ref.name}"):
                known = self.repository.add(ref, file)
        return ref.model_copy(update={"revision": known.revision})

    def approve(self, ref: DatasetRef) -> None:
        """Make `validated` mean the revision of `ref`.

        Raises:
            NotFoundError: `ref` is not a revision of its dataset.
        """
        found = self.revision(ref.name, ref.revision.removeprefix(f"{ref.name}@"))
        self.repository.approve(found)

    def revision(self, name: str, revision: str = APPROVED) -> DatasetRef:
        """Return a revision by name.

        Args:
            name: Logical name of the dataset.
            revision: `v3`, or `validated` for the one approved last.

        Raises:
            NotFoundError: There is none; lists those that are.
        """
        _check_name(name)
        found = self.repository.find(name, revision)
        if found is None:
            known = ", ".join(self.revisions(name)) or "none"
            raise NotFoundError(
                f"dataset {name!r} has no revision {revision!r}; it has: {known}"
            )
        return found

    def revisions(self, name: str) -> list[str]:
        """Return the revisions of a dataset, oldest first: `["v1", "v2"]`."""
        _check_name(name)
        prefix = f"{name}@"
        known = self.repository.versions(name)
        return [version.revision.removeprefix(prefix) for version in known]

    def _stored(self, key: str) -> str | None:
        """Return the digest of the object under `key`, if there is one."""
        try:
            return self.objects.digest(key)
        except NotFoundError:
            return None

    def _local(self, ref: DatasetRef) -> Path:
        """Return a local file of the object of `ref`, downloaded where it is remote."""
        file = self._file(ref.key)
        if file is None:
            file = self._download(ref.digest)
            if not file.exists():
                self.objects.download(ref.key, file)
        elif not file.is_file():
            raise NotFoundError(f"no object {ref.key!r} at {file}")
        return file

    def _keep(self, key: str, digest: str, file: Path) -> None:
        """Keep a copy of what was just stored elsewhere: this run will read it."""
        if self._file(key) is None:
            with replacing(self._download(digest), flush=False) as partial:
                shutil.copyfile(file, partial)

    def _file(self, key: str) -> Path | None:
        """Return the file that is the object under `key`, where objects are files."""
        place = urlsplit(self.objects.uri(key))
        return Path(url2pathname(place.path)) if place.scheme == "file" else None

    def _download(self, digest: str) -> Path:
        return self._downloads / f"{digest}.parquet"

    def _restore(self, ref: DatasetRef) -> None:
        """Bring a missing object back from the version in DVC with the same bytes."""
        version = self.repository.same(ref)
        if version is None:
            raise NotFoundError(
                f"the bytes of dataset {ref.name!r} are gone: neither the object "
                f"{ref.key!r} nor a version in {self.repository.folder} has the digest "
                f"{ref.digest[:12]}…; extract the dataset again"
            )
        home = self.repository.folder.parent
        with tempfile.TemporaryDirectory(dir=home, prefix=".partial-") as folder:
            file = Path(folder) / "restored"
            with self.repository.reading(version) as stream:
                _copy(stream, file)
            self.objects.upload(ref.key, file)


def _copy(stream: BinaryIO, file: Path) -> None:
    with file.open("wb") as target:
        shutil.copyfileobj(stream, target, 1 << 20)
        target.flush()
        os.fsync(target.fileno())


def _digest(stream: BinaryIO) -> str:
    return hashlib.file_digest(stream, "sha256").hexdigest()  # type: ignore[arg-type]


def _rows(file: Path) -> int:
    try:
        return int(pq.read_metadata(file).num_rows)
    except pa.ArrowInvalid as error:
        raise ContractError(f"{file} is not a Parquet file: {error}") from error


def _check_name(name: str) -> None:
    if NAME.fullmatch(name) is None:
        raise ConfigError(
            f"dataset name {name!r} must be made of letters, digits, `_` and `-`, with "
            "`/` between parts, such as `churn/training`"
        )
