"""How the PostgreSQL server is."""

from importlib.resources import files

import psycopg

from mlops_common.errors import NotFoundError
from mlops_common.health import Health, found
from mlops_common.postgres.database import Postgres

# Databases of the platform's own parts.
OWN = ("mlflow", "feast", "mlops", "prefect")
EXISTING = "SELECT datname FROM pg_database WHERE datname = ANY(%s)"
RIGHTS = (files("mlops_common.postgres") / "sql" / "rights.sql").read_bytes()
FEW_CONNECTIONS = 50


def examine(postgres: Postgres) -> Health:
    """Tell whether the source database admits us, and what is missing for the rest.

    Raises:
        ConfigError: The server does not accept the user or the password.
        BackendError: It cannot be reached.
    """
    if postgres.server is not None:
        return embedded(postgres)
    with _connected(postgres) as connection:
        encrypted = connection.pgconn.ssl_in_use
        version = connection.info.parameter_status("server_version") or ""
        rights = connection.execute(RIGHTS).fetchone()
        known = {row[0] for row in connection.execute(EXISTING, ([*OWN],))}
    creates, recovering, most = rights or (False, False, 0)
    remedies = list(_source_missing(postgres))
    missing = [name for name in OWN if name not in known]
    if missing and not creates:
        remedies.append(
            f"user {postgres.settings.user!r} may not create databases; create "
            f"{', '.join(missing)}, or GRANT CREATEDB"
        )
    if recovering:
        remedies.append("it is a read-only replica; name the primary in postgres.host")
    if most < FEW_CONNECTIONS:
        remedies.append(
            f"it admits {most} connections; with MLflow, Feast, Prefect and servers "
            f"set max_connections to {FEW_CONNECTIONS} or more"
        )
    return found(
        postgres.address,
        version=version.split(" ")[0],
        facts=("encrypted" if encrypted else "not encrypted", f"{most} connections"),
        remedies=tuple(remedies),
    )


def embedded(postgres: Postgres) -> Health:
    """Return the health of the embedded server, which is not started for that."""
    server = postgres.server
    running = server is not None and server.running()
    state = "running" if running else "starts when it is needed"
    return Health("embedded", postgres.address, facts=(state,))


def _connected(postgres: Postgres) -> psycopg.Connection:
    """Connect to the source database, or to the one that every server has."""
    try:
        return postgres.connect()
    except NotFoundError:
        return postgres.connect("postgres")


def _source_missing(postgres: Postgres) -> tuple[str, ...]:
    try:
        postgres.connect().close()
    except NotFoundError as error:
        return (str(error),)
    return ()
