"""Training on the double of Kubeflow, at a moment that the test chooses."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from mlops_common.bootstrap import connect
from mlops_common.processes import wait_until
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.sections import KubeflowSettings, PostgresSettings
from mlops_common.settings import Settings
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_run import DoubleRun
from uc1_churn.testing.training import PARAMS
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingRequest
from uc1_churn.training_backend.kubeflow.patience import Pace
from uc1_churn.training_backend.kubeflow.training import KubeflowTraining

PACE = Pace(first=0.05, most=0.3)
SOON = 60.0  # seconds
TOKEN = "first-token"  # noqa: S105 - of the double
MODEL = ModelRef(name="churn-predictor", version=1, run_id="r", uri="u", digest="d")
TABLE = DatasetRef(name="d", key="k", digest="d", rows=1)
REQUEST = TrainingRequest(dataset=TABLE, params=PARAMS, run_key="monday")


class Script:
    """A workload that waits for the test, then leaves a model.

    Attributes:
        go: To be set by the test.
    """

    def __init__(self, objects_home: Path) -> None:
        self.objects = connect(Settings(home=objects_home)).objects
        self.go = threading.Event()

    def __call__(self, run: DoubleRun) -> None:
        """Be the run's workload."""
        while not self.go.wait(0.02):
            if run.cancelled.is_set():
                return
        outcome.keep(self.objects, run.name, MODEL)


def training(
    double: KubeflowDouble,
    home: Path,
    settle: float = 0.0,
    pace: Pace = PACE,
    postgres: PostgresSettings | None = None,
    **values: Any,
) -> KubeflowTraining:
    """Return what trains on a double.

    Args:
        double: The server.
        home: Of the platform.
        settle: Seconds in which a rival's run shows.
        pace: Pauses between two looks.
        postgres: Settings of the database.
        **values: Of the section `kubeflow`.
    """
    login = {} if "token_file" in values else {"token": SecretStr(TOKEN)}
    settings = Settings(
        home=home,
        postgres=postgres or PostgresSettings(),
        kubeflow=KubeflowSettings(host=double.url, **{**login, **values}),
    )
    return KubeflowTraining(connect(settings), pace, settle)


@contextlib.contextmanager
def under_way(
    backend: KubeflowTraining, double: KubeflowDouble
) -> Iterator[Callable[[], ModelRef]]:
    """Train in a thread; yield, once the run is running, what awaits the result."""
    with ThreadPoolExecutor() as pool:
        future = pool.submit(backend.train, REQUEST)
        wait_until(lambda: future.done() or is_running(double), SOON)
        yield lambda: future.result(SOON)


def is_running(double: KubeflowDouble) -> bool:
    """Whether a run of the double is running."""
    return any(run.state == "RUNNING" for run in double.runs.values())


def only_run(double: KubeflowDouble) -> DoubleRun:
    """Return the one run that the double has."""
    (run,) = double.runs.values()
    return run
