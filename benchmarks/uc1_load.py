r"""Load a CSV file into PostgreSQL: ours, and `psql \\copy` into a table made by hand.

Both fill a new table on one server in a temporary home; ours also infers the types.
Run:

    python benchmarks/uc1_load.py --rows 10000000
"""

import argparse
import subprocess
import sys
from pathlib import Path

import harness
from uc1_extract import TABLE

from mlops_common.postgres import placement
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import temporary_postgres

COLUMNS = (
    "customer_id bigint, age bigint, gender text, tenure_months bigint,"
    " total_purchases bigint, avg_order_value float8, days_since_last_purchase bigint,"
    " support_tickets_count bigint, churn text, observed_at timestamptz"
)
ROUNDS = 3


def psql(postgres: Postgres, *commands: str) -> None:
    """Run commands of psql in one transaction."""
    program = placement.programs(None) / "psql"
    flags = [flag for command in commands for flag in ("-c", command)]
    conninfo = postgres.conninfo()
    subprocess.run([str(program), conninfo, "-q", "-1", *flags], check=True)


def load_by_psql(postgres: Postgres, file: Path) -> None:
    """Load with psql."""
    psql(
        postgres,
        f"CREATE TABLE loaded ({COLUMNS})",
        f"\\copy loaded FROM '{file}' WITH (FORMAT csv, HEADER)",
    )


def load_by_ours(postgres: Postgres, file: Path) -> None:
    """Load with inferred types."""
    from mlops_common.postgres.loading import load_file

    load_file(postgres, file, "loaded")


CONTENDERS = {"psql": load_by_psql, "ours": load_by_ours}


def contend(name: str, home: Path, file: Path) -> None:
    """Run one contender and print its seconds, without start and imports."""
    from mlops_common.postgres import loading  # noqa: F401 - imported before the clock

    postgres = Postgres(PostgresSettings(), EmbeddedServer(home))
    with postgres.connect(autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS loaded")
        connection.execute("CHECKPOINT")
    print(harness.seconds(lambda: CONTENDERS[name](postgres, file), repeats=1))


def main() -> None:
    """Compare on one file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10**7)
    rows = parser.parse_args().rows
    found: dict[str, list[harness.Sample]] = {name: [] for name in CONTENDERS}
    with temporary_postgres() as postgres:
        assert postgres.server is not None
        home = postgres.server.home
        file = home / "customers.csv"
        with postgres.connect() as connection:
            connection.execute(TABLE.replace("%s", str(rows)).encode())
        psql(postgres, f"\\copy customers TO '{file}' WITH (FORMAT csv, HEADER)")
        with postgres.connect() as connection:
            connection.execute("DROP TABLE customers")
        for _ in range(ROUNDS):
            for name in CONTENDERS:
                run = harness.run(__file__, "--run", name, str(home), str(file))
                found[name].append(run)
    times = {n: min(float(run.output) for run in runs) for n, runs in found.items()}
    memory = max(run.rss for run in found["ours"])
    ratio = times["ours"] / times["psql"]
    claims = [harness.at_most(f"{rows:,} rows, load / psql \\copy", ratio, 1.5)]
    figures = {"rows": rows, "seconds": times, "rss_mb": memory}
    harness.report("uc1_load", claims, figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        contend(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
