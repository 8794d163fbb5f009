"""A PostgreSQL server as an administrator runs one: by TCP, with passwords, with TLS.

The settings that reach it name a host, so that whatever uses them meets what it meets
with any server that is not embedded.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from mlops_common.ports import free_port
from mlops_common.postgres import placement, shelter
from mlops_common.sections import PostgresSettings

USER = "admin"
# All that a URL, a conninfo, YAML or a shell may stumble over.
PASSWORD = "it's a \\ secret @/:?&%20#"  # noqa: S105
HOST = "localhost"  # named by the certificate, as 127.0.0.1 is
DEBIAN = "usr/lib/postgresql/*/bin"
NETWORK = """
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
timezone = 'UTC'
fsync = off
"""
TLS = """
ssl = on
ssl_cert_file = 'server.crt'
ssl_key_file = 'server.key'
"""


@dataclass(frozen=True)
class Cluster:
    """The files of one server.

    Attributes:
        folder: Open to the user that runs the server.
        programs: Folder of `initdb` and `pg_ctl`.
        owner: The user that runs the server; nothing when it is the caller.
        user: Who is admitted, a superuser.
        password: Of that user.
    """

    folder: Path
    programs: Path
    owner: shelter.Owner | None
    user: str
    password: str

    @property
    def data(self) -> Path:
        """The data folder."""
        return self.folder / "data"

    @property
    def certificate(self) -> Path:
        """The server's certificate, which signed itself."""
        return self.folder / "server.crt"

    def run(self, program: str, *arguments: str) -> None:
        """Run a program as the server's user."""
        identity: dict[str, Any] = {}
        if self.owner is not None:
            uid, gid = self.owner.uid, self.owner.gid
            identity = {"user": uid, "group": gid, "extra_groups": []}
        subprocess.run(
            [str(self.programs / program), *arguments, "-D", str(self.data)],
            check=True,
            cwd="/",
            env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            **identity,
        )


@contextmanager
def external_postgres(
    *, tls: bool = False, user: str = USER, password: str = PASSWORD
) -> Iterator[PostgresSettings]:
    """Yield the settings of a running server which has one user, with a password.

    Args:
        tls: Whether it takes encrypted connections alone. Programs with TLS are those
            of Debian's package; the test is skipped where they are absent.
        user: The user.
        password: Of the user.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-") as name:
        cluster = _cluster(Path(name), user, password, tls=tls)
        port = free_port()
        _make(cluster, port, tls=tls)
        cluster.run("pg_ctl", "start", "-w", "-l", str(cluster.data / "server.log"))
        try:
            yield PostgresSettings(
                host=HOST,
                port=port,
                user=user,
                password=SecretStr(password),
                sslmode="verify-full" if tls else "disable",
                sslrootcert=cluster.certificate if tls else None,
            )
        finally:
            cluster.run("pg_ctl", "stop", "-w", "-m", "immediate")


def variables(settings: PostgresSettings) -> dict[str, str]:
    """Return the variables by which a process finds the server of these settings."""
    values = settings.model_dump(mode="json", exclude={"password"}, exclude_none=True)
    values |= {"password": settings.secret() or ""}
    return {f"MLOPS_POSTGRES__{key.upper()}": str(v) for key, v in values.items()}


def _cluster(folder: Path, user: str, password: str, *, tls: bool) -> Cluster:
    folder.chmod(0o711)
    owner = placement.locate(folder).owner
    programs = _programs_with_tls() if tls else placement.programs(owner)
    cluster = Cluster(folder, programs, owner, user, password)
    cluster.data.mkdir()
    placement.give(cluster.data, owner)
    return cluster


def _programs_with_tls() -> Path:
    import pytest

    found = sorted(Path("/").glob(DEBIAN))
    if not found or not shutil.which("openssl"):
        pytest.skip("TLS needs openssl and Debian's package `postgresql`")
    return found[-1]


def _make(cluster: Cluster, port: int, *, tls: bool) -> None:
    """Make the data of a server that admits those with a password alone."""
    secret = cluster.folder / "password"
    secret.write_text(cluster.password, "utf-8")
    secret.chmod(0o644)
    cluster.run(
        "initdb",
        f"--username={cluster.user}",
        f"--pwfile={secret}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
    )
    secret.unlink()
    kind = "hostssl" if tls else "host"
    admitted = f"{kind} all all 127.0.0.1/32 scram-sha-256\n"
    (cluster.data / "pg_hba.conf").write_text(admitted, "utf-8")
    with (cluster.data / "postgresql.conf").open("a", encoding="utf-8") as conf:
        conf.write(f"{NETWORK}port = {port}\n{TLS if tls else ''}")
    if tls:
        _certify(cluster)


def _certify(cluster: Cluster) -> None:
    """Give the server a certificate, and its key to its user alone."""
    key = cluster.folder / "server.key"
    subject = ("-subj", f"/CN={HOST}", "-days", "2", "-nodes")
    names = ("-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1")
    kind = ("-newkey", "rsa:2048", "-keyout", str(key))
    command = ["openssl", "req", "-x509", *subject, *names, *kind]
    subprocess.run(
        [*command, "-out", str(cluster.certificate)], check=True, capture_output=True
    )
    cluster.certificate.chmod(0o644)
    shutil.copy(cluster.certificate, cluster.data)
    shutil.copy(key, cluster.data)
    key.unlink()
    placement.give(cluster.data / key.name, cluster.owner)
    (cluster.data / key.name).chmod(0o600)
