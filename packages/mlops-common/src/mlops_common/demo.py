"""The demo: a simulated company, and the churn pipeline over its customers."""

from datetime import UTC, date, datetime
from typing import Any

from mlops_common.bootstrap import Platform
from mlops_common.errors import ConfigError
from mlops_common.launch import launch
from mlops_common.simulation import SIMULATED, description, write_company
from mlops_common.use_case import find

TABLE = "customers"
USE_CASE = "uc1"
COMMENT = "SELECT obj_description(to_regclass(%s), 'pg_class')"
EXISTS = "SELECT to_regclass(%s) IS NOT NULL"


def run_demo(platform: Platform, *, customers: int, months: int, seed: int) -> Any:
    """Make the company unless it is there, and run UC1 over it with its defaults.

    Args:
        platform: Where its systems are.
        customers: Customers of the first month.
        months: Monthly snapshots; the last is of the first day of this month.
        seed: Of the simulation.

    Returns:
        The result of the use case.

    Raises:
        ConfigError: A `customers` table exists that the demo did not make.
        NotFoundError: UC1 is not installed.
        MlopsError: Whatever ended the run.
    """
    case = find(USE_CASE)
    end = datetime.now(UTC).date().replace(day=1)
    _ensure_company(platform, customers, months, seed, end)
    return launch(case, platform, {})


def _ensure_company(
    platform: Platform, customers: int, months: int, seed: int, end: date
) -> None:
    wanted = description(seed=seed, customers=customers, months=months, end=end)
    if _found(platform) == wanted:
        return
    write_company(
        platform.postgres,
        seed=seed,
        customers=customers,
        months=months,
        end=end,
        table=TABLE,
    )


def _found(platform: Platform) -> str | None:
    """Return how the company of an earlier demo was made, if there was one.

    Raises:
        ConfigError: The table is somebody else's.
    """
    database = platform.settings.postgres.database
    platform.postgres.ensure_database(database)
    with platform.postgres.connect() as connection:
        exists = connection.execute(EXISTS, (TABLE,)).fetchone() == (True,)
        row = connection.execute(COMMENT, (TABLE,)).fetchone()
    comment = str(row[0]) if row and row[0] else ""
    if exists and not comment.startswith(SIMULATED):
        raise ConfigError(
            f"table {TABLE!r} in database {database!r} was not made by the demo, which "
            "would replace it; use `mlops run uc1` for your own data, or another "
            "folder for the demo (MLOPS_HOME)"
        )
    return comment or None
