"""Runs that are killed between two of their tasks, each followed by one that finishes.

Nothing is cleaned up in between: each run meets what those before it left.
"""

import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from urllib.request import urlopen

import pyarrow.parquet as pq
import pytest
from psycopg import sql

from mlops_common.bootstrap import Platform
from mlops_common.refs import ModelRef
from mlops_common.simulation import write_company
from mlops_common.testing.command import Said, mlops, python
from uc1_churn.testing.tasks import TASKS

DRIVER = Path(__file__).with_name("interrupted_run.py")
NAME = "interrupted"
MODEL = "interrupted-churn"
OPTIONS = tuple(
    word
    for assignment in (
        f"dataset.name={NAME}",
        f"dataset.table={NAME}",
        f"model_name={MODEL}",
        "training.bootstrap_replicates=100",
        "training.trees=100",
        # The newest rows decide little here, and are not what this is about.
        "gate.tolerance=1",
        "gate.max_calibration_error=1",
    )
    for word in ("--set", assignment)
)
VERSIONED = TASKS.index("version_with_dvc")
VALIDATED = TASKS.index("validate_with_great_expectations")
TRAINED = TASKS.index("trigger_kubeflow_training")
DEPLOYED = TASKS.index("deploy_to_kserve")
OLDER = "UPDATE {} SET age = age + 1 WHERE customer_id %% 20 = %s"


class Home:
    """A home with a champion that was trained on a table of its own."""

    def __init__(self, platform: Platform) -> None:
        self.platform = platform

    def finish(self) -> Said:
        return mlops("run", "uc1", *OPTIONS)

    def killed_after(self, task: str) -> Said:
        return python(str(DRIVER), "kill", task, *OPTIONS)

    def change(self, share: int) -> None:
        """Change some customers: the next run has a dataset of its own to make."""
        statement = sql.SQL(OLDER).format(sql.Identifier(NAME))
        with self.platform.postgres.connect() as connection:
            connection.execute(statement, (share,))

    def serving(self) -> ModelRef:
        """Return the version that answers a request, after it did."""
        endpoint = self.platform.serving.endpoint(MODEL)
        with urlopen(f"{endpoint.url}/v1/models/{MODEL}", timeout=60) as answer:  # noqa: S310 - loopback
            assert answer.status == 200
        return endpoint.model

    def champion(self) -> ModelRef:
        return self.platform.tracking.resolve(MODEL, "champion")

    def newest(self) -> int:
        """Return the number of the version that was registered last."""
        model = self.platform.tracking.find(MODEL, {})
        assert model is not None
        return model.version

    def approved(self) -> str | None:
        """Return the last good revision, after reading it whole."""
        revision = self.platform.datasets.revision(NAME)
        path = self.platform.datasets.path(revision)
        assert pq.read_table(path).num_rows == revision.rows
        return revision.revision

    def revisions(self) -> list[str]:
        return self.platform.datasets.revisions(NAME)


@pytest.fixture(scope="module")
def home(platform: Platform) -> Iterator[Home]:
    write_company(
        platform.postgres,
        seed=11,
        customers=600,
        months=4,
        end=datetime.now(UTC).date().replace(day=1),
        table=NAME,
    )
    ready = Home(platform)
    said = ready.finish()
    assert said.code == 0, said.err
    yield ready
    platform.serving.stop(MODEL)


@pytest.mark.parametrize("number", range(len(TASKS)), ids=TASKS)
def test_after_a_kill_the_next_run_finishes_and_duplicates_nothing(
    home: Home, number: int
) -> None:
    served, good, newest = home.serving(), home.approved(), home.newest()
    before = home.revisions()
    home.change(number)

    said = home.killed_after(TASKS[number])

    assert said.code == -signal.SIGKILL, said.err
    deployed, validated = number >= DEPLOYED, number >= VALIDATED
    assert (home.serving() != served) == deployed
    assert home.champion() == home.serving()
    assert len(home.revisions()) - len(before) == (number >= VERSIONED)
    assert (home.approved() != good) == validated
    assert home.newest() - newest == (number >= TRAINED)

    said = home.finish()

    assert said.code == 0, said.err
    (made,) = set(home.revisions()) - set(before)
    assert home.approved() == f"{NAME}@{made}"
    assert home.champion() == home.serving()
    assert home.champion().version == home.newest() == newest + 1
