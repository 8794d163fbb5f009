"""Extract the customers table to Parquet: ours, the limit, and what pandas does.

Each contender runs in its own process on one server in a temporary home. The limit is
`COPY (query) TO STDOUT (FORMAT binary)` read and dropped. Run:

    python benchmarks/uc1_extract.py --rows 1000000 10000000
"""

import argparse
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import harness

from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import temporary_postgres

QUERY = (
    "SELECT customer_id, age, gender, tenure_months, total_purchases,"
    " avg_order_value, days_since_last_purchase, support_tickets_count, churn,"
    " observed_at FROM customers"
)
TABLE = """
CREATE TABLE customers AS
SELECT n AS customer_id, 18 + (n * 7919 % 70)::int AS age,
       (ARRAY['female', 'male', 'other'])[1 + n % 3] AS gender,
       (n * 104729 % 72)::int AS tenure_months,
       (n * 1299709 % 100)::int AS total_purchases,
       ((n * 15485863 % 50000) / 100.0)::numeric(10, 2) AS avg_order_value,
       (n * 32452843 % 365)::int AS days_since_last_purchase,
       (n * 49979687 % 9)::int AS support_tickets_count, n % 5 = 0 AS churn,
       timestamptz '2026-01-01' + n * interval '1 second' AS observed_at
FROM generate_series(1::bigint, %s) AS n
"""
PANDAS_LIMIT = 1_000_000  # pandas takes 5 GB for ten times as many
ROUNDS, PANDAS_ROUNDS = 5, 2
Call = Callable[[], Any]


def limit(postgres: Postgres, _: Path) -> Call:
    """Read the rows in PostgreSQL's binary form and drop them."""

    def read() -> None:
        statement = f"COPY ({QUERY}) TO STDOUT (FORMAT binary)".encode()
        with (
            postgres.connect() as connection,
            connection.cursor() as cursor,
            cursor.copy(statement) as copy,
        ):
            for _block in copy:
                pass

    return read


def ours(postgres: Postgres, target: Path) -> Call:
    """Extract."""
    from mlops_common.postgres.transfer import extract

    return lambda: extract(postgres, QUERY, target)


def pandas(postgres: Postgres, target: Path) -> Call:
    """Read with pandas, write with pyarrow."""
    import pandas as pd
    import pyarrow.parquet as _  # noqa: F401 - pandas imports it at its first write
    import sqlalchemy as sa

    url = postgres.sqlalchemy_url(postgres.settings.database)
    engine = sa.create_engine(url)
    return lambda: pd.read_sql(QUERY, engine).to_parquet(target)


CONTENDERS = {"limit": limit, "ours": ours, "pandas": pandas}


def contend(name: str, home: Path) -> None:
    """Run one contender and print its seconds, without start and imports."""
    postgres = Postgres(PostgresSettings(), EmbeddedServer(home))
    postgres.connect().close()
    with tempfile.TemporaryDirectory() as folder:
        call = CONTENDERS[name](postgres, Path(folder) / "customers.parquet")
        print(harness.seconds(call, repeats=1))


def measure(names: list[str], home: Path) -> dict[str, dict[str, float]]:
    """Return the fastest seconds and the greatest memory of each contender."""
    found: dict[str, list[harness.Sample]] = {name: [] for name in names}
    for turn in range(ROUNDS):
        for name in names:
            if name != "pandas" or turn < PANDAS_ROUNDS:
                sample = harness.run(__file__, "--run", name, str(home))
                found[name].append(sample)
    return {
        name: {
            "seconds": min(float(sample.output) for sample in samples),
            "rss_mb": max(sample.rss for sample in samples),
        }
        for name, samples in found.items()
    }


def compare(rows: int, home: Path, figures: dict[str, object]) -> list[harness.Ratio]:
    """Measure the contenders on a table of `rows` rows."""
    names = [name for name in CONTENDERS if name != "pandas" or rows <= PANDAS_LIMIT]
    found = measure(names, home)
    figures[str(rows)] = found
    mine, least = found["ours"], found["limit"]["seconds"]
    claims = [
        harness.at_most(
            f"{rows:,} rows, extract / binary COPY", mine["seconds"] / least, 1.6
        ),
        harness.at_most(f"{rows:,} rows, peak MB", mine["rss_mb"], 300),
    ]
    if "pandas" in found:
        faster = found["pandas"]["seconds"] / mine["seconds"]
        claims.append(harness.at_least(f"{rows:,} rows, pandas / extract", faster, 4.5))
    return claims


def main() -> None:
    """Compare at each size."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, nargs="+", default=[10**6, 10**7])
    claims: list[harness.Ratio] = []
    figures: dict[str, object] = {}
    for rows in parser.parse_args().rows:
        with temporary_postgres() as postgres:
            assert postgres.server is not None
            with postgres.connect(autocommit=True) as connection:
                connection.execute(TABLE.replace("%s", str(rows)).encode())
                connection.execute("VACUUM ANALYZE customers")
            claims += compare(rows, postgres.server.home, figures)
    harness.report("uc1_extract", claims, figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        contend(sys.argv[2], Path(sys.argv[3]))
    else:
        main()
