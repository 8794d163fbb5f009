"""Simulate a company of ten million rows into PostgreSQL: its seconds and its memory.

The simulation runs in its own process, the server in a temporary home. What it takes to
draw the rows alone, and to drop them, is measured beside it. Run:

    python benchmarks/uc1_simulation.py --customers 410000
"""

import argparse
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path

import harness

from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import temporary_postgres

SEED, MONTHS, END = 0, 24, date(2026, 3, 1)
MEMORY = 300  # MB
COUNT = "SELECT count(*), count(DISTINCT observed_at) FROM customers"


def drawn(_: Postgres, customers: int) -> int:
    """Draw the rows and drop them; return their number."""
    from mlops_common.simulation import simulate

    return sum(batch.num_rows for batch in simulate(SEED, customers, MONTHS, END))


def written(postgres: Postgres, customers: int) -> int:
    """Write the rows to the table `customers`; return their number."""
    from mlops_common.simulation import write_company

    return write_company(
        postgres, seed=SEED, customers=customers, months=MONTHS, end=END
    )


CONTENDERS: dict[str, Callable[[Postgres, int], int]] = {
    "drawn": drawn,
    "written": written,
}


def contend(name: str, home: Path, customers: int) -> None:
    """Run one contender and print its seconds, without start and imports."""
    import mlops_common.simulation  # noqa: F401 - imported before the clock

    postgres = Postgres(PostgresSettings(), EmbeddedServer(home))
    print(harness.seconds(lambda: CONTENDERS[name](postgres, customers), repeats=1))


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=410_000)
    customers = parser.parse_args().customers
    with temporary_postgres() as postgres:
        assert postgres.server is not None
        home = str(postgres.server.home)
        found = {
            name: harness.run(__file__, "--run", name, home, str(customers))
            for name in CONTENDERS
        }
        with postgres.connect() as connection:
            rows, months = connection.execute(COUNT).fetchone() or (0, 0)
    figures = {
        name: {"seconds": float(sample.output), "cpu": sample.cpu, "rss_mb": sample.rss}
        for name, sample in found.items()
    }
    claim = f"{rows:,} rows of {months} months into PostgreSQL, peak MB"
    claims = [harness.at_most(claim, found["written"].rss, MEMORY)]
    if customers >= parser.get_default("customers"):
        claims.append(harness.at_least("million rows simulated", rows / 1e6, 10))
    took = figures["written"]["seconds"]
    print(f"{took:8.1f} s, {rows / took:,.0f} rows a second")
    harness.report("uc1_simulation", claims, {"rows": rows, **figures})


if __name__ == "__main__":
    if sys.argv[1:2] == ["--run"]:
        contend(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
    else:
        main()
