"""The feature store: Feast with a DuckDB offline and an online store.

The registry lies in PostgreSQL, and so does the online store unless a Redis is named.

Several runs may share one registry: definitions are applied and used under one
advisory lock of PostgreSQL, so that a run never reads another run's table.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from duckdb import SQLExpression

from mlops_common.postgres.database import Postgres
from mlops_common.progress import step
from mlops_common.sections import RedisSettings
from uc1_churn.feature_repo import rendering, session
from uc1_churn.feature_store import historical, marks
from uc1_churn.features.schema import EVENT_TIMESTAMP, FeatureSchema, FeatureTable
from uc1_churn.tables import parquet

if TYPE_CHECKING:
    import feast
    import pandas as pd

MARGIN = timedelta(days=2)
ONLINE_BATCH = 500
LOCK = "SELECT pg_advisory_lock(hashtextextended(%s, 0))"

_one_thread = threading.RLock()


class FeatureStore:
    """Features of customers: as they were for training, as they are for serving.

    Attributes:
        postgres: Server of the registry and of the online store.
        folder: Folder of the rendered repositories, one for each dataset.
        database: Database of the registry and the online store; made when absent.
        redis: The online store, instead of PostgreSQL.
    """

    def __init__(
        self,
        postgres: Postgres,
        folder: Path,
        *,
        database: str = "feast",
        redis: RedisSettings | None = None,
    ) -> None:
        self.postgres = postgres
        self.folder = folder
        self.database = database
        self.redis = redis

    def apply(self, table: FeatureTable) -> None:
        """Register a feature table, and render its repository.

        Args:
            table: The table; its file must outlive the training sets made from it.

        Raises:
            BackendError: Feast or PostgreSQL failed.
        """
        with self._applied(table):
            pass

    def training_set(self, table: FeatureTable, entity_rows: Path, target: Path) -> int:
        """Write each entity row with the features known at its instant.

        A feature value counts if it is not later than the entity row; the latest
        such value wins, however old. A row without any has NULLs.

        Args:
            table: Where the features come from.
            entity_rows: Parquet file with the entity, `event_timestamp` and `label`.
            target: Parquet file to write, rows in the order of `entity_rows`:
                the entity, `event_timestamp`, the features, `label`.

        Returns:
            The number of rows, which is that of the entity rows.

        Raises:
            ContractError: Feast lost, repeated or changed an entity row.
            BackendError: Feast or PostgreSQL failed, or the disk is full.
        """
        with self._applied(table) as store:
            service = store.get_feature_service(_service())

            def retrieve(rows: "pd.DataFrame") -> pa.Table:
                with session.asked("join the features"):
                    return historical_features(store, service, rows)

            return historical.write_training_set(
                entity_rows, table.columns, retrieve, target
            )

    def materialize(self, table: FeatureTable) -> int:
        """Write the latest features of every entity to the online store.

        Args:
            table: Where the features come from.

        Returns:
            The number of rows that the table has.

        Raises:
            BackendError: Feast or PostgreSQL failed.
        """
        rows, first, last = _span(table)
        with (
            step("Materialize features"),
            self._applied(table) as store,
            self._marked(table),
            session.asked("materialize the features"),
        ):
            store.materialize(first, last)
        return rows

    def materialized(self, dataset: str) -> str | None:
        """Return the file name of the table that the online store was filled from.

        Nothing where it never was, where that did not end, or where it was another
        online store.

        Raises:
            BackendError: PostgreSQL failed.
        """
        self.postgres.ensure_database(self.database)
        with (
            self.postgres.connect(self.database) as connection,
            session.translated("see what is materialized"),
        ):
            return marks.read(connection, dataset, self._place)

    def online(self, columns: FeatureSchema, entities: Sequence[int | str]) -> pa.Table:
        """Return the features that the online store holds for some entities.

        Args:
            columns: The roles of the feature table's columns.
            entities: Their identifiers.

        Returns:
            A table with the entity and the features, in the order of `entities`;
            the features of an unknown entity are NULL.

        Raises:
            NotFoundError: The dataset was never materialized.
            BackendError: Feast or PostgreSQL failed.
        """
        shape = _online_shape(columns)
        with (
            self.opened(columns.dataset) as store,
            session.asked("read online features"),
        ):
            service = store.get_feature_service(_service())
            batches = [
                _read_online(
                    store, service, shape, entities[start : start + ONLINE_BATCH]
                )
                for start in range(0, len(entities), ONLINE_BATCH)
            ]
        return pa.concat_tables([shape.empty_table(), *batches])

    @property
    def _place(self) -> str:
        """Where the online store is, without its password."""
        return f"{self.redis.host}:{self.redis.port}" if self.redis else ""

    @contextmanager
    def _marked(self, table: FeatureTable) -> Iterator[None]:
        """Note the table as materialized once the block ended well, and not before."""
        dataset = table.columns.dataset
        with self.postgres.connect(self.database, autocommit=True) as connection:
            with session.translated("note what is materialized"):
                marks.clear(connection, dataset)
            yield
            with session.translated("note what is materialized"):
                marks.write(connection, dataset, self._place, table.path.name)

    @contextmanager
    def _applied(self, table: FeatureTable) -> Iterator["feast.FeatureStore"]:
        """Hold the dataset's lock with its definitions registered."""
        session.library()
        from uc1_churn.feature_repo.definitions import definitions

        dataset = table.columns.dataset
        with (
            self._locked(rendering.project(dataset)),
            self.opened(dataset) as store,
        ):
            with session.asked("register the features"):
                store.apply(list(definitions(table)))
            connection = self.postgres.parameters(self.database)
            rendering.render(self.folder / dataset, table, connection, self.redis)
            yield store

    @contextmanager
    def opened(self, dataset: str) -> Iterator["feast.FeatureStore"]:
        """Open Feast's own store of a dataset, and close it at the end.

        Raises:
            BackendError: Feast or PostgreSQL failed.
        """
        feast = session.library()
        connection = self.postgres.parameters(self.database)
        password = str(connection.get("password", ""))
        redis = self.redis
        online = rendering.redis_connection(redis, redis.secret()) if redis else ""
        config = rendering.config(dataset, connection, password, online)
        config["registry"]["sqlalchemy_config_kwargs"] = {
            "connect_args": {"password": password} if password else {},
            "pool_size": self.postgres.settings.pool_size,
            "max_overflow": self.postgres.settings.max_overflow,
        }
        with self._locked("registry"), session.asked("open the registry"):
            store = feast.FeatureStore(config=feast.RepoConfig(**config))
            store.registry.refresh(store.project)
        try:
            yield store
        finally:
            session.close(store)

    @contextmanager
    def _locked(self, name: str) -> Iterator[None]:
        """Hold a lock that every process on this server respects.

        PostgreSQL releases it when its holder dies.
        """
        self.postgres.ensure_database(self.database)
        with (
            _one_thread,
            self.postgres.connect(self.database, autocommit=True) as connection,
        ):
            with session.translated("wait for another run"):
                connection.execute(LOCK, (f"feature store {name}",))
            yield


def historical_features(
    store: "feast.FeatureStore", features: Any, rows: "pd.DataFrame"
) -> pa.Table:
    """Return `rows` with the features known at their instants, in any order.

    Args:
        store: Feast's store.
        features: A feature service, or names such as `view:feature`.
        rows: The entity rows.
    """
    with _one_thread, session.silenced():
        return store.get_historical_features(rows, features).to_arrow()


def _span(table: FeatureTable) -> tuple[int, datetime, datetime]:
    """Return the number of rows and a span that holds all their instants.

    It is wider than the data, because Feast compares instants without their zone.
    """
    sides = (f"{side}({EVENT_TIMESTAMP})" for side in ("count", "min", "max"))
    with parquet.scan(table.path) as features:
        values = features.aggregate([SQLExpression(side) for side in sides])
        rows, first, last = values.fetchall()[0]
    return rows, first - MARGIN, last + MARGIN


def _service() -> str:
    from uc1_churn.feature_repo.definitions import SERVICE

    return SERVICE


def _online_shape(columns: FeatureSchema) -> pa.Schema:
    fields = historical.schema(columns)
    return pa.schema(
        [fields.field(name) for name in (columns.entity, *columns.features)]
    )


def _read_online(
    store: "feast.FeatureStore",
    service: Any,
    shape: pa.Schema,
    entities: Sequence[int | str],
) -> pa.Table:
    rows = [{shape.names[0]: entity} for entity in entities]
    values = store.get_online_features(service, rows).to_dict()
    return pa.table({name: values[name] for name in shape.names}, schema=shape)
