"""What the online store holds of each dataset: a mark beside Feast's registry.

Feast itself knows which table was registered last, not which one it materialized.
"""

from importlib.resources import files

from psycopg import Connection

CREATE, CLEAR, WRITE, READ = (
    (files("uc1_churn") / "sql" / f"mark_{verb}.sql").read_text("utf-8")
    for verb in ("create", "clear", "write", "read")
)


def clear(connection: Connection, dataset: str) -> None:
    """Forget what was materialized: it is about to change."""
    connection.execute(CREATE)
    connection.execute(CLEAR, (dataset,))


def write(connection: Connection, dataset: str, store: str, file: str) -> None:
    """Note the file that the online store at `store` was filled from."""
    connection.execute(WRITE, (dataset, store, file))


def read(connection: Connection, dataset: str, store: str) -> str | None:
    """Return the file that the online store at `store` was filled from, if any."""
    connection.execute(CREATE)
    found = connection.execute(READ, (dataset, store)).fetchone()
    return None if found is None else str(found[0])
