"""DVC in one git repository: track a file, push it, read any revision back."""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, cast

from mlops_common.errors import BackendError

FOLDER = ".dvc"
# What DVC itself keeps out of git.
IGNORED = "/config.local\n/tmp\n/cache\n"
REMOTE = "storage"
# Hard links first: DVC then takes a file into its cache without a copy.
LINKS = ["hardlink", "reflink", "copy"]
TEMPORARY = ".*.tmp"


@dataclass(frozen=True, slots=True)
class Remote:
    """Where files are pushed.

    Attributes:
        url: A folder, or a URL such as `s3://bucket/dvc`.
        options: Further options of DVC's remote; committed, so never a secret.
        variables: What its client reads from the environment, such as keys.
    """

    url: str
    options: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)


class Dvc:
    """Runs DVC in `folder`.

    Attributes:
        folder: Top of the work tree of a git repository.
        remote: Where files are pushed.
    """

    def __init__(self, folder: Path, remote: Remote) -> None:
        self.folder = folder
        self.remote = remote

    def init(self) -> None:
        """Make the git repository a DVC repository too."""
        inside = self.folder / FOLDER
        inside.mkdir()
        (inside / ".gitignore").write_text(IGNORED, "utf-8")
        (inside / "config").touch()

    def configure(self) -> None:
        """Write DVC's settings: no telemetry, and where the files are now."""
        shared = {
            "core": {"analytics": False, "check_update": False, "remote": REMOTE},
            "cache": {"type": LINKS},
            "remote": {REMOTE: {**self.remote.options, "url": self.remote.url}},
        }
        # DVC's own scratch lies in /var/tmp unless it is told otherwise.
        own = {"core": {"site_cache_dir": str(self.folder / FOLDER / "tmp" / "site")}}
        with self._opened("be configured") as repo:
            for level, sections in (("repo", shared), ("local", own)):
                with repo.config.edit(level) as config:
                    for section, values in sections.items():
                        config.setdefault(section, {}).update(values)

    def track(self, file: Path) -> None:
        """Take `file` into the cache, write `<file>.dvc`, push it to the remote."""
        with self._opened(f"store {file.name}") as repo:
            repo.add([str(file)])
            repo.push([f"{file}.dvc"])

    @contextmanager
    def reading(self, file: Path, revision: str) -> Iterator[BinaryIO]:
        """Open `file` as it was at a git `revision`, from the cache or the remote."""
        with _translated(f"read {file.name} at {revision}"):
            self._prepare()
            import dvc.api

            name = file.relative_to(self.folder).as_posix()
            stream = dvc.api.open(name, str(self.folder), rev=revision, mode="rb")
            with stream as opened:
                yield cast("BinaryIO", opened)

    def discard_leftovers(self) -> None:
        """Remove what a killed run left: claims on files, half-copied files."""
        (self.folder / FOLDER / "tmp" / "rwlock").unlink(missing_ok=True)
        places = [self.folder]
        if "://" not in self.remote.url:
            places.append(Path(self.remote.url))
        for place in places:
            for stray in place.rglob(TEMPORARY):
                stray.unlink(missing_ok=True)

    @contextmanager
    def _opened(self, action: str) -> Iterator[Any]:
        with _translated(action):
            self._prepare()
            from dvc.repo import Repo

            with Repo(str(self.folder)) as repo:
                yield repo

    def _prepare(self) -> None:
        """Let DVC find the remote, and keep it, which prints hints, to warnings."""
        os.environ.update(self.remote.variables)
        logging.getLogger("dvc").setLevel(logging.WARNING)


@contextmanager
def _translated(action: str) -> Iterator[None]:
    """Turn the errors of DVC, of its libraries and of the disk into ours."""
    from sqlite3 import Error  # of its notes on what it has hashed

    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    try:
        yield
    except (DvcException, SCMError, Error, OSError) as error:
        raise BackendError(f"DVC could not {action}: {error}") from error
