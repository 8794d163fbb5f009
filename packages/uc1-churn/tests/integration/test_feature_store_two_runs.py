"""Two runs on one registry of the feature store."""

import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq

from mlops_common.postgres.database import Postgres
from uc1_churn.feature_repo.session import library
from uc1_churn.feature_store.store import FeatureStore
from uc1_churn.testing.feature_tables import write_entities, write_features

ROUNDS = 3
OTHER_RUN = """
import sys
from pathlib import Path
import pyarrow.parquet as pq
from mlops_common.sections import PostgresSettings
from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from uc1_churn.features.schema import FeatureTable
from uc1_churn.feature_store.store import FeatureStore
home, folder, table, rows, target, rounds = sys.argv[1:]
postgres = Postgres(PostgresSettings(), EmbeddedServer(Path(home)))
store = FeatureStore(postgres, Path(folder), database="two_runs")
table = FeatureTable.model_validate_json(table)
for _ in range(int(rounds)):
    store.training_set(table, Path(rows), Path(target))
    print(*pq.read_table(target)["plan"].to_pylist(), flush=True)
"""


def wait_until_blocked(run: subprocess.Popen[str], postgres: Postgres) -> None:
    """Wait until `run` waits for a lock; fail if it ends without doing so."""
    query = "SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted"
    limit = time.monotonic() + 100
    with postgres.connect("two_runs", autocommit=True) as connection:
        while connection.execute(query).fetchone() is None:
            assert run.poll() is None, "the other run did not wait"
            assert time.monotonic() < limit
            time.sleep(0.02)


def test_two_runs_at_once_never_read_each_others_table(
    postgres: Postgres, tmp_path: Path
) -> None:
    """They start with an empty registry, which one of them has to make."""

    assert postgres.server is not None
    library()  # to import it later would give the other run time for all its rounds
    store = FeatureStore(postgres, tmp_path, database="two_runs")
    rows = write_entities(tmp_path / "rows.parquet", [(1, 1), (2, 1)])
    ours, theirs = (
        write_features(
            tmp_path / f"{name}.parquet", [(1, 0, 1.0, name), (2, 0, 2.0, name)]
        )
        for name in ("ours", "theirs")
    )
    target = tmp_path / "training.parquet"
    texts = [postgres.server.home, tmp_path, theirs.model_dump_json(), rows]
    other = [*map(str, texts), str(tmp_path / "other.parquet"), str(ROUNDS)]
    command = [sys.executable, "-c", OTHER_RUN, *other]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as run:
        with store._locked("registry"):
            wait_until_blocked(run, postgres)
        with store._applied(ours) as opened:
            wait_until_blocked(run, postgres)
            view = opened.get_feature_view("customer_features")
            assert view.batch_source is not None
            assert view.batch_source.to_proto().file_options.uri == str(ours.path)
        store.training_set(ours, rows, target)
        assert pq.read_table(target)["plan"].to_pylist() == ["ours", "ours"]
        assert run.communicate()[0] == "theirs theirs\n" * ROUNDS
    assert run.returncode == 0
