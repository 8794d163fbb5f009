"""The git command in one repository, whatever the user's own settings are."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from mlops_common.errors import BackendError, ConfigError

# Of the repository itself, because people may commit here too.
REPOSITORY_CONFIG = {
    "user.name": "mlops",
    "user.email": "mlops@localhost",
    "commit.gpgSign": "false",
    "tag.gpgSign": "false",
    "core.autocrlf": "false",
    "core.fsync": "committed,reference",
    "core.hooksPath": os.devnull,
    "gc.auto": "0",
}


class Git:
    """Runs git in `folder`.

    Attributes:
        folder: Top of the work tree.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self, *args: str, stdin: str = "") -> str:
        """Run `git args…` and return what it printed.

        Raises:
            ConfigError: git is not installed.
            BackendError: git failed; holds what it said.
        """
        where = str(self.folder)
        command = ["git", "-C", where, "-c", f"safe.directory={where}", *args]
        try:
            done = subprocess.run(
                command,
                env=environment(),
                input=stdin.encode(),
                capture_output=True,
                check=True,
            )
        except FileNotFoundError as error:
            raise ConfigError(
                "datasets are versioned with git, which is not on the PATH; install it "
                "(`apt install git`, `dnf install git` or `xcode-select --install`)"
            ) from error
        except subprocess.CalledProcessError as error:
            said = error.stderr.decode(errors="replace").strip() or "no message"
            raise BackendError(f"git {args[0]} failed in {where}: {said}") from error
        return done.stdout.decode()

    def init(self) -> None:
        """Make the folder a repository with settings of its own."""
        self("init", "--quiet", "--template=", "--initial-branch=main")
        for key, value in REPOSITORY_CONFIG.items():
            self("config", key, value)

    def contents(self, objects: Iterable[str]) -> list[str]:
        """Return the text of each object, such as `customers@v3:a.dvc`, that exists."""
        names = "".join(f"{name}\n" for name in objects)
        rest = self("cat-file", "--batch=%(objectsize)", stdin=names).encode()
        texts = []
        while rest:
            header, _, rest = rest.partition(b"\n")
            if not header.endswith(b" missing"):
                size = int(header)
                texts.append(rest[:size].decode())
                rest = rest[size + 1 :]
        return texts

    def discard_leftovers(self, pattern: str) -> None:
        """Undo what a killed run left: locks, changes, new files like `pattern`.

        Call it only where no other process of ours can be at work.
        """
        inside = self.folder / ".git"
        for lock in (*inside.glob("*.lock"), *(inside / "refs").rglob("*.lock")):
            lock.unlink(missing_ok=True)
        self("reset", "--quiet", "--hard")
        self("clean", "--quiet", "--force", "-d", "--", pattern)


def environment() -> dict[str, str]:
    """Return this process's variables without the user's git settings.

    A run inside a git hook inherits `GIT_DIR` and would write to that repository.
    """
    kept = {key: text for key, text in os.environ.items() if key[:4] != "GIT_"}
    return {
        **kept,
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "LC_ALL": "C",
    }
