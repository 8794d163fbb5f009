"""How what keeps the lineage is: tables in PostgreSQL, and a receiver if named."""

from importlib.resources import files

from mlops_common import web
from mlops_common.errors import BackendError, ConfigError, NotFoundError
from mlops_common.health import Health, found
from mlops_common.params import masked
from mlops_common.postgres.database import Postgres
from mlops_common.sections import LineageSettings

DATABASE = "mlops"
FAILED, ABSENT = 500, 404
UNMADE = "made by the first event"
RIGHTS = (files("mlops_common.lineage") / "sql" / "rights.sql").read_bytes()


def examine(settings: LineageSettings, postgres: Postgres) -> Health:
    """Tell whether events would be kept where the settings say, and changes nothing.

    Raises:
        ConfigError: The receiver, or the server of the tables, does not admit us.
        BackendError: One of them cannot be reached, or fails.
    """
    if not settings.enabled:
        return Health("embedded", "nowhere", facts=("switched off: runs tell nothing",))
    tables = _tables(postgres) if settings.embedded else None
    if not settings.external:
        if tables is None:
            raise ConfigError(
                "events go nowhere: lineage.embedded is false and lineage.url names no "
                "receiver; set one of them, or lineage.enabled to false"
            )
        return tables
    receiver = _receiver(settings)
    return receiver if tables is None else _both(tables, receiver)


def _tables(postgres: Postgres) -> Health:
    """Return the health of the tables; an embedded server is not started for that."""
    where = f"schema lineage of database {DATABASE} on {postgres.address}"
    server = postgres.server
    if server is not None:
        state = "running" if server.running() else "starts when it is needed"
        return Health("embedded", where, facts=(state,))
    try:
        with postgres.connect(DATABASE) as connection:
            row = connection.execute(RIGHTS).fetchone()
    except NotFoundError:
        return found(where, facts=(UNMADE,))
    writable, creates = row or (None, False)
    user, remedy = repr(postgres.settings.user), ""
    if writable is None and not creates:
        remedy = (
            f"user {user} may not make the schema lineage; GRANT CREATE ON DATABASE "
            f"{DATABASE}"
        )
    if writable is False:
        remedy = (
            f"user {user} may not write to the schema lineage; GRANT USAGE on it, and "
            "ALL ON ALL TABLES in it"
        )
    fact = UNMADE if writable is None else "tables are made"
    return found(where, facts=(fact,), remedies=(remedy,) if remedy else ())


def _receiver(settings: LineageSettings) -> Health:
    url = f"{(settings.url or '').rstrip('/')}/{settings.endpoint.lstrip('/')}"
    where, key = masked(url), settings.secret("api_key")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    # Whoever takes events there answers a question too, be it that he takes none.
    answer = web.request(url, headers=headers, timeout=settings.timeout)
    if answer.refused:
        raise ConfigError(
            f"{where} does not admit us; set lineage.api_key_file, or "
            "MLOPS_LINEAGE__API_KEY"
        )
    if answer.status == ABSENT:
        raise ConfigError(
            f"{where} does not exist; lineage.url and lineage.endpoint must name what "
            "takes OpenLineage events"
        )
    if answer.status >= FAILED:
        raise BackendError(f"{where} answers {answer.status}; see what it logs")
    return found(where, facts=("takes events",))


def _both(tables: Health, receiver: Health) -> Health:
    """Return the health of a store with two places."""
    return found(
        f"{tables.where}; {receiver.where}",
        facts=(*tables.facts, *receiver.facts),
        remedies=tables.remedies,
    )
