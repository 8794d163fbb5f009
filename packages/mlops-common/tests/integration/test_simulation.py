import subprocess
import sys
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mlops_common.errors import ConfigError
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.transfer import extract
from mlops_common.simulation import SCHEMA, simulate, write_company

END = date(2026, 3, 1)
# Not `ru_maxrss`, which a process inherits from the one that started it.
MEMORY = """
import sys
from datetime import date

import psutil

from mlops_common.simulation import simulate

rows = peak = 0
process = psutil.Process()
for batch in simulate(0, int(sys.argv[1]), 24, date(2026, 3, 1)):
    rows += batch.num_rows
    peak = max(peak, process.memory_info().rss)
print(rows, peak >> 20)
"""


def write(
    postgres: Postgres, table: str, *, customers: int = 400, months: int = 3
) -> int:
    """Write a small company; return its number of rows."""
    return write_company(
        postgres, seed=5, customers=customers, months=months, end=END, table=table
    )


def test_the_table_holds_what_was_simulated(postgres: Postgres, tmp_path: Path) -> None:
    rows = write(postgres, "simulated")
    file = tmp_path / "simulated.parquet"
    query = "SELECT * FROM simulated ORDER BY customer_id, observed_at"
    extract(postgres, query, file)
    simulated = pa.Table.from_batches(simulate(5, 400, 3, END)).sort_by(
        [("customer_id", "ascending"), ("observed_at", "ascending")]
    )

    assert rows == simulated.num_rows
    assert pq.read_table(file).cast(SCHEMA).equals(simulated)


def test_columns_have_the_types_of_the_contract(postgres: Postgres) -> None:
    write(postgres, "typed")
    with postgres.connect() as connection:
        types = connection.execute(
            "SELECT column_name, data_type FROM information_schema.columns"
            " WHERE table_name = 'typed' ORDER BY ordinal_position"
        ).fetchall()

    assert dict(types) == {
        "customer_id": "bigint",
        "age": "smallint",
        "gender": "text",
        "tenure_months": "integer",
        "total_purchases": "integer",
        "avg_order_value": "double precision",
        "days_since_last_purchase": "integer",
        "support_tickets_count": "smallint",
        "churn": "smallint",
        "observed_at": "timestamp with time zone",
    }


def test_a_company_takes_the_place_of_the_one_before(postgres: Postgres) -> None:
    write(postgres, "twice")
    rows = write(postgres, "twice", customers=50)

    with postgres.connect() as connection:
        (count,) = connection.execute("SELECT count(*) FROM twice").fetchone() or (0,)
        indexes = connection.execute(
            "SELECT indexname FROM pg_indexes WHERE tablename = 'twice' ORDER BY 1"
        ).fetchall()
        drafts = connection.execute(
            "SELECT relname FROM pg_class WHERE relname LIKE 'simulating%'"
        ).fetchall()
    assert count == rows
    assert indexes == [("twice_observed_at_idx",), ("twice_pkey",)]
    assert drafts == []


def test_a_table_can_lie_in_another_schema(postgres: Postgres) -> None:
    with postgres.connect() as connection:
        connection.execute("CREATE SCHEMA shop")

    rows = write(postgres, "shop.customers")

    with postgres.connect() as connection:
        found = connection.execute("SELECT count(*) FROM shop.customers").fetchone()
    assert found == (rows,)


def test_a_company_that_ends_early_leaves_the_table_as_it_was(
    postgres: Postgres,
) -> None:
    rows = write(postgres, "kept")

    with pytest.raises(ValueError, match="must be at least 1"):
        write(postgres, "kept", months=0)

    with postgres.connect() as connection:
        assert connection.execute("SELECT count(*) FROM kept").fetchone() == (rows,)


def test_what_else_uses_the_name_is_told(postgres: Postgres) -> None:
    write(postgres, "used")
    with postgres.connect() as connection:
        connection.execute("CREATE VIEW young AS SELECT * FROM used WHERE age < 30")
        connection.execute("CREATE VIEW seen AS SELECT 1 AS one")

    with pytest.raises(ConfigError, match=r"'used' cannot be replaced: view young"):
        write(postgres, "used")
    with pytest.raises(ConfigError, match=r"'seen' cannot be replaced: .*not a table"):
        write(postgres, "seen")


def test_memory_does_not_grow_with_the_company() -> None:
    """Peak memory of 0.4 and of 2.1 million rows, each in its own process."""
    peaks = []
    for customers in (16_000, 82_000):
        command = [sys.executable, "-c", MEMORY, str(customers)]
        done = subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=200
        )
        rows, peak = map(int, done.stdout.split())
        peaks.append((rows, peak))

    assert peaks[1][0] > 2_000_000
    assert peaks[1][1] < peaks[0][1] + 64
    assert peaks[1][1] < 300
