"""Feast itself: imported when needed, kept quiet, its errors turned into ours."""

import contextlib
import io
import os
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_common.errors import BackendError, MlopsError, NotFoundError
from mlops_common.logger import get_logger

if TYPE_CHECKING:
    import feast

MEMORY = "2GB"
# Feast points it at a folder that it removes at the end of this process.
METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"

log = get_logger(__name__)


@cache
def library() -> Any:
    """Import Feast, without telemetry and with bounds on its DuckDB."""
    os.environ.setdefault("FEAST_USAGE", "False")
    with silenced(), _unchanged(METRICS_FOLDER), _unchecked():
        import feast
        import ibis
    spill = Path(tempfile.gettempdir()) / f"mlops-spill-{os.getpid()}"
    ibis.set_backend(
        ibis.duckdb.connect(memory_limit=MEMORY, temp_directory=str(spill))
    )
    return feast


@contextmanager
def _unchanged(variable: str) -> Iterator[None]:
    """Undo what the block does to a variable that child processes would inherit."""
    before = os.environ.get(variable)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(variable, None)
        else:
            os.environ[variable] = before


@contextmanager
def _unchecked() -> Iterator[None]:
    """Let what is imported in the block check no types of its own calls.

    Feast has typeguard rewrite its modules for that, at each import of it, which takes
    two thirds of the time.
    """
    typeguard: Any = import_module("typeguard")
    decorator = typeguard.typechecked
    typeguard.typechecked = lambda target: target
    try:
        yield
    finally:
        typeguard.typechecked = decorator


@contextmanager
def asked(doing: str) -> Iterator[None]:
    """Call Feast: silently, and with its errors turned into ours."""
    with translated(doing), silenced():
        yield


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turn the errors of Feast and of what it stands on into ours."""
    try:
        yield
    except MlopsError:
        raise
    except _vendor_errors() as error:
        raise _problem(doing, error) from error


def _problem(doing: str, error: Exception) -> MlopsError:
    from feast.errors import FeastObjectNotFoundException

    reason = str(error).partition("\n")[0]
    if isinstance(error, FeastObjectNotFoundException):
        return NotFoundError(
            f"the feature store cannot {doing}: {reason}; run the pipeline first"
        )
    return BackendError(
        f"the feature store could not {doing}: {type(error).__name__}: {reason}"
    )


def _vendor_errors() -> tuple[type[Exception], ...]:
    import duckdb
    import psycopg
    from feast.errors import FeastError
    from redis.exceptions import RedisError
    from sqlalchemy.exc import SQLAlchemyError

    databases = (SQLAlchemyError, psycopg.Error, duckdb.Error, RedisError)
    return (FeastError, *databases, OSError)


@contextmanager
def silenced() -> Iterator[None]:
    """Keep what Feast prints, and its warnings of other libraries, off the terminal."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
    log.debug(printed.getvalue())


def close(store: "feast.FeatureStore") -> None:
    """Close the connections that Feast itself keeps until the process ends."""
    registry: Any = store.registry
    registry.write_engine.dispose()
    online = getattr(getattr(store, "_provider", None), "online_store", None)
    for kind in ("_conn", "_client"):  # of PostgreSQL, of Redis
        connection = getattr(online, kind, None)
        if connection is not None:
            connection.close()
