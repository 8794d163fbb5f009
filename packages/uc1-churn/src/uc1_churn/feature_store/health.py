"""How the feature store is: its registry and its online store."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from mlops_common.errors import BackendError, ConfigError, NotFoundError
from mlops_common.health import Health, found
from mlops_common.postgres.health import embedded
from mlops_common.sections import RedisSettings
from uc1_churn.feature_store.store import FeatureStore

if TYPE_CHECKING:
    from mlops_common.postgres.database import Postgres

PROJECTS = "SELECT count(*) FROM projects"
REGISTRY = "SELECT to_regclass('projects') IS NOT NULL"
PATIENCE = 5.0  # seconds


def examine(store: FeatureStore) -> Health:
    """Tell whether the registry and the online store admit us.

    Raises:
        ConfigError: A server does not accept the user or the password.
        BackendError: One of them cannot be reached.
    """
    postgres = store.postgres
    if postgres.server is not None:
        registry = embedded(postgres)
    else:
        registry = _registry(postgres, store.database)
    if store.redis is None:
        return replace(registry, facts=(*registry.facts, "online store in PostgreSQL"))
    online = f"online store in Redis {_redis(store.redis)}"
    return found(
        registry.where, version=registry.version, facts=(*registry.facts, online)
    )


def _registry(postgres: "Postgres", database: str) -> Health:
    where = f"{postgres.address}/{database}"
    try:
        with postgres.connect(database) as connection:
            version = connection.info.parameter_status("server_version") or ""
            made = connection.execute(REGISTRY).fetchone() == (True,)
            row = connection.execute(PROJECTS).fetchone() if made else (0,)
    except NotFoundError:
        return found(where, facts=("registry is made at the first run",))
    projects = f"registry of {row[0] if row else 0} projects"
    return found(where, version=version.split(" ")[0], facts=(projects,))


def _redis(settings: RedisSettings) -> str:
    """Return the version of the Redis server.

    Raises:
        ConfigError: It does not accept the password.
        BackendError: It cannot be reached.
    """
    from redis import Redis
    from redis.exceptions import AuthenticationError, RedisError

    address = f"{settings.host}:{settings.port}"
    client = Redis(
        settings.host,
        settings.port,
        password=settings.secret(),
        ssl=settings.tls,
        socket_timeout=PATIENCE,
        socket_connect_timeout=PATIENCE,
    )
    try:
        with client:
            facts: Any = client.info("server")
            return str(facts["redis_version"])
    except AuthenticationError as error:
        raise ConfigError(
            f"Redis at {address} does not admit us; set feast.redis.password_file"
        ) from error
    except RedisError as error:
        raise BackendError(f"Redis at {address} cannot be reached: {error}") from error
