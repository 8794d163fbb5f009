"""The design's own file against servers: a run, and one that is killed at every step.

Only addresses differ from what the design's users have. Kubeflow is a double that runs
the pods; where there is a Kubernetes API server the killed runs deploy to KServe.
"""

import json
import signal
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.config import load
from mlops_common.errors import NotFoundError
from mlops_common.home import reset
from mlops_common.objects.s3.bucket import Bucket
from mlops_common.simulation import write_company
from mlops_common.testing.command import Said, mlops, python
from mlops_common.testing.design import SECRETS, servers_of_the_design
from mlops_common.testing.kserve import KserveDouble, Kubelet, gateway, install
from mlops_common.testing.kubernetes import ControlPlane
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_pods import Pods
from uc1_churn.testing.tasks import TASKS
from uc1_churn.training_backend.environment import HOME

pytestmark = pytest.mark.cluster

DRIVER = Path(__file__).with_name("interrupted_run.py")
NAMESPACE = "models"
SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices"
DEPLOYMENTS = "/apis/apps/v1/namespaces/models/deployments"
QUICK = ("--set", "training.bootstrap_replicates=100")
NAME, MODEL = "killed", "killed-churn"
KILLED = (
    *QUICK,
    *("--set", f"dataset.name={NAME}", "--set", f"dataset.table={NAME}"),
    *("--set", f"model_name={MODEL}"),
)


class Systems(NamedTuple):
    """Servers for every part of the design's file.

    Attributes:
        platform: As the file says.
        folder: Of the file and of the home.
        variables: By which a process finds the file.
        kubeflow: The double.
    """

    platform: Platform
    folder: Path
    variables: dict[str, str]
    kubeflow: KubeflowDouble

    def run(self, *words: str, **variables: str) -> Said:
        """Run the pipeline to its end."""
        found = {**self.variables, **variables}
        return mlops("run", "uc1", *words, variables=found, folder=self.folder)

    def killed_after(self, task: str, *words: str, **variables: str) -> Said:
        """Run the pipeline until a task returned."""
        driven = (str(DRIVER), "kill", task, *words)
        found = {**self.variables, **variables}
        return python(*driven, variables=found, folder=self.folder)


@pytest.fixture(scope="module")
def systems(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Systems]:
    folder = tmp_path_factory.mktemp("design")
    pods = Pods(
        folder / "pods",
        secrets={"mlops-environment": SECRETS},
        disks={HOME: folder / "disk"},
    )
    with ExitStack() as stack:
        kubeflow = stack.enter_context(KubeflowDouble(pods))
        text = stack.enter_context(servers_of_the_design(folder, kubeflow.url))
        file = folder / "config.yaml"
        file.write_text(text, "utf-8")
        platform = Platform(load(file, {}).settings, file)
        stack.callback(reset, platform)
        platform.postgres.ensure_database("customers")
        make_companies(platform)
        variables = {
            "MLOPS_CONFIG": str(file),
            "PREFECT_HOME": str(folder / "prefect"),
        }
        yield Systems(platform, folder, variables, kubeflow)


def make_companies(platform: Platform) -> None:
    platform.postgres.ensure_database("customers")
    end = datetime.now(UTC).date().replace(day=1)
    for seed, table in enumerate(("customers", NAME)):
        write_company(
            platform.postgres,
            seed=seed,
            customers=600,
            months=4,
            end=end,
            table=table,
        )


@pytest.fixture(scope="module")
def cluster(request: pytest.FixtureRequest) -> ControlPlane | None:
    """A Kubernetes API server, where there is one."""
    try:
        found = request.getfixturevalue("kubernetes_api")
    except pytest.skip.Exception:
        return None
    assert isinstance(found, ControlPlane)
    return found


@pytest.fixture(scope="module")
def kserve(
    systems: Systems,
    cluster: ControlPlane | None,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, str]]:
    """The variables by which a run deploys to KServe; none where it cannot run."""
    if cluster is None:
        yield {}
        return
    install(cluster, NAMESPACE)
    folder = tmp_path_factory.mktemp("pods")
    with ExitStack() as stack:
        kubelet = Kubelet(folder, systems.platform.objects, systems.variables)
        stack.enter_context(kubelet)
        url = stack.enter_context(gateway(cluster, kubelet))
        stack.enter_context(KserveDouble(cluster, NAMESPACE, kubelet).running())
        yield {
            "MLOPS_KSERVE__HOST": cluster.url,
            "MLOPS_KSERVE__CA_FILE": str(cluster.ca_file),
            "MLOPS_KSERVE__TOKEN": cluster.token,
            "MLOPS_KSERVE__URL": url,
        }


def test_the_file_of_the_design_is_all_that_a_whole_run_needs(systems: Systems) -> None:
    said = systems.run(*QUICK, "--json")

    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert result["dataset"]["revision"] == "customers@v1"
    assert result["model"]["uri"].startswith("s3://dvc-storage/")
    assert states(systems, result["model"]["name"]) == ["SUCCEEDED"]
    assert (systems.folder / "feature_repo" / "customers").is_dir()
    assert "MLOPS_MINIO__SECRET_KEY" in said.err
    assert not [value for value in SECRETS.values() if value in said.err]


def states(systems: Systems, model: str) -> list[str]:
    """Return the states of the Kubeflow runs that trained a model."""
    runs = systems.kubeflow.runs.values()
    return [run.state for run in runs if run.name.startswith(f"{model}-")]


def test_after_a_kill_at_every_step_a_run_finishes_and_nothing_is_there_twice(
    systems: Systems, kserve: dict[str, str], cluster: ControlPlane | None
) -> None:
    for task in TASKS:
        said = systems.killed_after(task, *KILLED, **kserve)
        assert said.code == -signal.SIGKILL, said.err

    said = systems.run(*KILLED, "--json", **kserve)

    assert said.code == 0, said.err
    model = json.loads(said.out)["model"]
    assert model["version"] == 1
    platform = systems.platform
    assert platform.datasets.revisions(NAME) == ["v1"]
    assert platform.tracking.resolve(MODEL, "champion").version == 1
    with pytest.raises(NotFoundError):
        platform.tracking.version(MODEL, 2)
    assert states(systems, MODEL) == ["SUCCEEDED"]
    uploads = Bucket(platform.settings.minio).once("list_multipart_uploads")
    assert not uploads.get("Uploads")
    if cluster is not None:
        (service,) = cluster.get(SERVICES)["items"]
        assert service["spec"]["predictor"]["model"]["storageUri"] == model["uri"]
        assert not service["spec"].get("canary")
        assert len(cluster.get(DEPLOYMENTS)["items"]) == 1
