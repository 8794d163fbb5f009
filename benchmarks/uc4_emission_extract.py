"""What lineage costs UC1's largest step, the extract, with its own table and file.

It reads a simulated company from a server in a temporary home, whose embedded store is
told meanwhile. What is measured is all that the step does for its lineage: it begins
and ends, says its statement, asks the server for columns and owner of the table, and
looks at the file that it wrote. `uc4_emission.py` runs it, and takes the
JSON that it prints. Alone:

    python benchmarks/uc4_emission_extract.py --tasks 40
"""

import argparse
import json
import os
import time
from contextlib import ExitStack
from datetime import date
from pathlib import Path

import harness
import psycopg

from mlops_common.bootstrap import Platform, connect
from mlops_common.lineage.recording import executes, reads, writes
from mlops_common.orchestration.lineage.prefect_runs import told_flow, told_try
from mlops_common.orchestration.tasks import is_passing, too_late
from mlops_common.postgres.transfer import extract
from mlops_common.simulation import write_company
from mlops_common.testing.postgres import temporary_postgres
from uc1_churn.config import CUSTOMERS
from uc1_churn.lineage import source
from uc1_churn.tables import extraction

PATIENCE = 60.0  # seconds
END = date(2026, 1, 1)


def churn_pipeline() -> None:
    """Stand for the flow."""


def extract_from_postgres() -> None:
    """Stand for its step."""


def step(platform: Platform, target: Path) -> harness.Stopwatch:
    """Extract as the step of UC1 does; return what its lineage took."""
    watch, told = harness.Stopwatch(), ExitStack()

    def look(connection: psycopg.Connection) -> None:
        with watch:
            reads(lambda: source.read(platform, CUSTOMERS, connection))

    with watch:
        told.enter_context(told_try(extract_from_postgres, is_passing, too_late))
        executes(lambda: source.statement(platform, CUSTOMERS))
    found = extract(platform.postgres, extraction.query(CUSTOMERS), target, look=look)
    with watch:
        writes(lambda: source.staged(platform, CUSTOMERS, target, found))
        told.close()
    return watch


def main() -> None:
    """Print what each task paid, milliseconds."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tasks", type=int, default=40)
    tasks = parser.parse_args().tasks
    with temporary_postgres() as postgres:
        assert postgres.server is not None
        os.environ["MLOPS_HOME"] = str(postgres.server.home)
        write_company(postgres, seed=7, customers=500, months=2, end=END)
        platform = connect()
        assert platform.lineage is not None
        start = time.perf_counter()
        with told_flow(churn_pipeline):
            target = platform.settings.home / f"{CUSTOMERS.name}.parquet"
            found = [step(platform, target) for _ in range(tasks)]
        each = (time.perf_counter() - start) / tasks
        platform.lineage.close(PATIENCE)
    print(json.dumps({"each": each, **harness.costs(found)}))


if __name__ == "__main__":
    main()
