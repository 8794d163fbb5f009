"""From the source tables to a revision: what extract, upload and version tell."""

from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql

from mlops_common.bootstrap import Platform
from mlops_common.lineage import sql_lineage
from mlops_common.lineage.dataset import Dataset, columns, copied
from mlops_common.lineage.naming import DatasetName, postgres_server
from mlops_common.lineage.statement import Statement
from mlops_common.postgres.transfer import Extract
from mlops_common.refs import DatasetRef
from uc1_churn.config import DatasetSpec
from uc1_churn.lineage import places, tables
from uc1_churn.tables import extraction
from uc1_churn.tables.parquet import statement as text


def statement(platform: Platform, spec: DatasetSpec) -> Statement:
    """Return the COPY that reads the source tables into the staged file.

    Examples:
        >>> from pathlib import Path
        >>> from mlops_common.settings import Settings
        >>> from uc1_churn.config import CUSTOMERS
        >>> platform = Platform(Settings(home=Path("/home/mlops")))
        >>> statement(platform, CUSTOMERS).query[:37]
        'COPY (SELECT "customer_id", "age", "t'
    """
    settings = platform.settings.postgres
    query = extraction.query(spec)
    select = query if isinstance(query, str) else query.as_string(None)
    return Statement(
        query=f"COPY ({select.strip().rstrip(';')}) TO STDOUT (FORMAT binary)",
        server=postgres_server(settings.host, settings.port),
        database=settings.database,
        output=places.staged(platform, spec.name),
    )


def read(
    platform: Platform, spec: DatasetSpec, connection: psycopg.Connection
) -> Iterator[Dataset]:
    """Yield the source tables with the columns, types and owner that the server tells.

    Args:
        platform: Where they are.
        spec: The table, or the query that reads them.
        connection: To their database.

    Raises:
        psycopg.Error: The server failed.
    """
    if spec.table is not None:
        found: tuple[DatasetName, ...] = (places.source_table(platform, spec.table),)
    else:
        found = sql_lineage.tables(statement(platform, spec))
    for name in found:
        relation = sql.Identifier(*_parts(platform, name)).as_string(connection)
        rows = connection.execute(text("source_columns"), (relation,)).fetchall()
        owner = {"owner": f"role:{rows[0][0]}"} if rows else {}
        types = {column: kind for _, column, kind in rows}
        yield Dataset(name=name, fields=columns(types), kind="TABLE", **owner)


def staged(
    platform: Platform, spec: DatasetSpec, file: Path, found: Extract
) -> Dataset:
    """Return the staged file; its columns are those of the table, where it is one."""
    table = None if spec.table is None else places.source_table(platform, spec.table)
    return Dataset(
        name=places.staged(platform, spec.name),
        fields=columns(found.columns),
        rows=found.rows,
        size=file.stat().st_size,
        files=1,
        kind="FILE",
        origins={} if table is None else copied(table, found.columns),
    )


def uploaded(platform: Platform, source: DatasetName, ref: DatasetRef) -> Dataset:
    """Return the object of a dataset that was copied from `source`, byte by byte."""
    return _copy(stored(platform, ref), source)


def stored(platform: Platform, ref: DatasetRef) -> Dataset:
    """Return the object of a dataset; its digest is the version."""
    name = places.stored(platform, ref.key)
    return tables.of_object(platform, ref.key, name)


def versioned(platform: Platform, ref: DatasetRef) -> Dataset:
    """Return the revision of a dataset that was made from its object."""
    found = revision(platform, ref)
    return _copy(found, places.stored(platform, ref.key))


def revision(platform: Platform, ref: DatasetRef) -> Dataset:
    """Return a dataset by its revision in DVC, with the columns of its object."""
    name = places.revised(platform, ref)
    found = tables.of_object(platform, ref.key, name)
    version = ref.revision or ref.digest
    return found.model_copy(update={"version": version, "kind": "TABLE"})


def _copy(found: Dataset, source: DatasetName) -> Dataset:
    names = [field.name for field in found.fields]
    return found.model_copy(update={"origins": copied(source, names)})


def _parts(platform: Platform, name: DatasetName) -> tuple[str, ...]:
    """Return schema and name of a table, without its database."""
    database = platform.settings.postgres.database
    return tuple(name.name.removeprefix(f"{database}.").split(".", 1))
