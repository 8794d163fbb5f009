"""Renders the repository's folder, in which the `feast` command works, too.

```sh
feast -c <folder> feature-views list
```

A password is never written: `feature_store.yaml` names the variable `PGPASSWORD`,
which the registry's driver reads by itself, and `REDIS_PASSWORD`.
"""

import json
import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from mlops_common.files import replacing
from mlops_common.sections import RedisSettings
from uc1_churn.features.schema import FeatureTable

PASSWORD = "${PGPASSWORD}"  # noqa: S105 - the name of a variable
REDIS_PASSWORD = "${REDIS_PASSWORD}"  # noqa: S105 - likewise
ROOT = "sslrootcert"
QUERY = ("host", "port", "sslmode", ROOT)
CONFIG = "feature_store.yaml"
TABLE = "feature_table.json"
REPOSITORY = "repository.py"
HEADING = "# Rendered from the settings of the pipelines: edit config.yaml instead.\n"

Config = dict[str, Any]


def project(dataset: str) -> str:
    """Return the Feast project of a dataset: letters, digits and underscores.

    Examples:
        >>> project("telco-2026"), project("_x")
        ('telco_2026', 'd_x')
    """
    name = re.sub(r"\W", "_", dataset, flags=re.ASCII)
    return f"d{name}" if name.startswith("_") else name


def config(
    dataset: str, connection: Mapping[str, str | int], password: str, redis: str = ""
) -> Config:
    """Return the content of `feature_store.yaml`.

    Args:
        dataset: Name of the dataset; its project.
        connection: Host, port, user, database name, sslmode and perhaps sslrootcert,
            in libpq's words.
        password: The password, or what stands for it in a file.
        redis: Connection string of a Redis that is the online store, instead of
            PostgreSQL.
    """
    template = files("uc1_churn.feature_repo") / CONFIG
    values: Config = yaml.safe_load(template.read_text("utf-8"))
    values["project"] = project(dataset)
    values["registry"]["path"] = _registry_url(connection)
    if redis:
        values["online_store"] = {"type": "redis", "connection_string": redis}
        return values
    values["online_store"] |= {
        "host": str(connection["host"]),
        "port": int(connection["port"]),
        "database": str(connection["dbname"]),
        "user": str(connection["user"]),
        "password": password,
        "sslmode": str(connection["sslmode"]),
    }
    if ROOT in connection:
        values["online_store"]["sslrootcert_path"] = str(connection[ROOT])
    return values


def redis_connection(settings: RedisSettings, password: str | None) -> str:
    r"""Return the connection string of a Redis, as Feast reads it.

    Args:
        settings: Where it is.
        password: The password, or what stands for it in a file.

    Examples:
        >>> redis_connection(RedisSettings(host="r", tls=True), "a,b")
        'r:6379,ssl=true,password="a\\u002cb"'
    """
    parts = [f"{settings.host}:{settings.port}"]
    if settings.tls:
        parts.append("ssl=true")
    if password is not None:
        # Feast splits at commas and reads each value as JSON.
        parts.append(f"password={json.dumps(password)}".replace(",", "\\u002c"))
    return ",".join(parts)


def render(
    folder: Path,
    table: FeatureTable,
    connection: Mapping[str, str | int],
    redis: RedisSettings | None = None,
) -> None:
    """Write the repository of a feature table into `folder`.

    Args:
        folder: The folder, made when absent.
        table: The feature table that the repository defines.
        connection: Where the registry and the online store are; a `password` in it
            is not written.
        redis: The online store, instead of PostgreSQL.

    Raises:
        BackendError: The folder cannot be written.
    """
    password = PASSWORD if "password" in connection else ""
    online = ""
    if redis is not None:
        held = redis.secret() is not None
        online = redis_connection(redis, REDIS_PASSWORD if held else None)
    values = config(table.columns.dataset, connection, password, online)
    repository = files("uc1_churn.feature_repo") / f"{REPOSITORY}.template"
    _write(folder / TABLE, table.model_dump_json(indent=2) + "\n")
    _write(folder / REPOSITORY, repository.read_text("utf-8"))
    _write(folder / CONFIG, HEADING + _yaml(values))


def read_table(folder: Path) -> FeatureTable:
    """Return the feature table of a rendered repository."""
    return FeatureTable.model_validate_json((folder / TABLE).read_text("utf-8"))


def _registry_url(connection: Mapping[str, str | int]) -> str:
    """Return SQLAlchemy's URL, without the password."""
    from sqlalchemy.engine import URL

    url = URL.create(
        "postgresql+psycopg",
        username=str(connection["user"]),
        database=str(connection["dbname"]),
        query={key: str(connection[key]) for key in QUERY if key in connection},
    )
    return url.render_as_string()


def _write(path: Path, text: str) -> None:
    with replacing(path) as partial:
        partial.write_text(text, "utf-8")


class _Quoted(str):
    """Text that stays text whatever its variable holds, such as digits."""

    __slots__ = ()


class _Dumper(yaml.SafeDumper):
    """Writes `_Quoted` text in quotes."""


def _represent(dumper: yaml.SafeDumper, text: _Quoted) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="'")


_Dumper.add_representer(_Quoted, _represent)


def _yaml(values: Config) -> str:
    online = values["online_store"]
    if "password" in online:
        online = online | {"password": _Quoted(online["password"])}
    return yaml.dump(values | {"online_store": online}, Dumper=_Dumper, sort_keys=False)
