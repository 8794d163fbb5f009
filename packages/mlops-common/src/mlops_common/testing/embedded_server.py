"""The embedded PostgreSQL server, seen from outside and from other processes."""

import subprocess
import sys
import textwrap
from pathlib import Path

from mlops_common.postgres import placement
from mlops_common.postgres.database import MAINTENANCE, Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings


def ask(embedded: EmbeddedServer, query: str) -> object:
    """Return the first value that a query finds; nothing where it finds none."""
    with _connected(embedded).connect(autocommit=True) as connection:
        row = connection.execute(query.encode()).fetchone()
    return row and row[0]


def run(embedded: EmbeddedServer, statement: str) -> None:
    """Run a statement and commit it."""
    with _connected(embedded).connect() as connection:
        connection.execute(statement.encode())


def postmaster(embedded: EmbeddedServer) -> int:
    """Return the number of the server's first process."""
    data = placement.locate(embedded.home).data
    return int((data / "postmaster.pid").read_text().split()[0])


def program(home: Path, body: str, *, session: bool = False) -> subprocess.Popen[str]:
    """Start Python with the `server` of a home and `become` at hand.

    Args:
        home: The home folder.
        body: Lines of Python; `become(uid)` makes the process one of another user.
        session: Whether it leads a session of its own.
    """
    head = f"""
        import fcntl, os, psutil, pwd, subprocess, sys, time
        from pathlib import Path
        from mlops_common.errors import MlopsError
        from mlops_common.postgres.server import EmbeddedServer
        server = EmbeddedServer(Path({str(home)!r}))

        def become(uid):
            os.setgroups([])
            os.setgid(uid)
            os.setuid(uid)
    """
    code = textwrap.dedent(head) + textwrap.dedent(body)
    command = [sys.executable, "-c", code]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, start_new_session=session
    )


def _connected(embedded: EmbeddedServer) -> Postgres:
    return Postgres(PostgresSettings(database=MAINTENANCE), embedded)
