import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from pydantic import SecretStr

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.processes import wait_until
from mlops_common.refs import ModelRef
from mlops_common.sections import KubeflowSettings
from mlops_common.settings import Settings
from mlops_common.testing.marks import MLFLOW
from mlops_common.testing.postgres import temporary_home
from uc1_churn.bootstrap import training_backend
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_pods import Pods
from uc1_churn.testing.kubeflow_run import DoubleRun
from uc1_churn.testing.training import TrainingBackendContract, requested
from uc1_churn.training_backend.compilation import compiled
from uc1_churn.training_backend.environment import HOME
from uc1_churn.training_backend.kubeflow.patience import Pace
from uc1_churn.training_backend.kubeflow.training import KubeflowTraining

pytestmark = MLFLOW

PACE = Pace(first=0.05, most=0.3)
SOON = 60.0  # seconds
TOKEN = "first-token"  # noqa: S105 - of the double
# In another process, with the settings of its variables.
TRAIN = (
    "import sys; from mlops_common.bootstrap import connect; "
    "from uc1_churn.training_backend.base import TrainingRequest; "
    "from uc1_churn.training_backend.kubeflow.training import KubeflowTraining; "
    "KubeflowTraining(connect()).train("
    "TrainingRequest.model_validate_json(sys.argv[1]))"
)


@pytest.mark.cluster
class TestKubeflowTraining(TrainingBackendContract):
    @pytest.fixture(scope="class")
    def home(self) -> Iterator[Path]:
        with temporary_home() as home:
            yield home

    @pytest.fixture(scope="class")
    def pods(self, home: Path, tmp_path_factory: pytest.TempPathFactory) -> Pods:
        return Pods(
            tmp_path_factory.mktemp("pods"),
            secrets={"churn": {"MLOPS_POSTGRES__PASSWORD": "s3cret"}},
            disks={HOME: home},
        )

    @pytest.fixture(scope="class")
    def cluster(self, pods: Pods) -> Iterator[KubeflowDouble]:
        with KubeflowDouble(pods, token=TOKEN, multi_user=True) as running:
            yield running

    @pytest.fixture(scope="class")
    def platform(self, home: Path, cluster: KubeflowDouble) -> Platform:
        kubeflow = KubeflowSettings(
            host=cluster.url,
            namespace="models",
            token=SecretStr(TOKEN),
            environment_secret="churn",  # noqa: S106 - the name of a Secret
        )
        return connect(Settings(home=home, kubeflow=kubeflow))

    @pytest.fixture(scope="class")
    def backend(self, platform: Platform) -> KubeflowTraining:
        return KubeflowTraining(platform, PACE, settle=0)

    @pytest.fixture
    def dying(self, pods: Pods) -> Iterator[contextlib.AbstractContextManager[None]]:
        pods.image = {"MLOPS_CONFIG": "/nowhere/config.yaml"}
        yield contextlib.nullcontext()
        pods.image = {}

    def test_nothing_secret_was_submitted(
        self, cluster: KubeflowDouble, model: ModelRef
    ) -> None:
        assert model.version == 1
        for run in cluster.runs.values():
            assert "s3cret" not in json.dumps(run.told())
            assert TOKEN not in json.dumps(run.told())

    def test_a_process_killed_after_it_submitted_leaves_a_run_that_is_found_again(
        self, platform: Platform, cluster: KubeflowDouble, backend: KubeflowTraining
    ) -> None:
        wanted = requested(platform, "tuesday")
        settings = platform.settings.kubeflow
        variables = {
            **os.environ,
            **platform.environment,
            "MLOPS_KUBEFLOW__HOST": cluster.url,
            "MLOPS_KUBEFLOW__TOKEN": TOKEN,
            "MLOPS_KUBEFLOW__NAMESPACE": settings.namespace,
        }

        def submitted() -> list[DoubleRun]:
            return [run for run in cluster.runs.values() if run.name == "tuesday"]

        with subprocess.Popen(
            [sys.executable, "-W", "ignore", "-c", TRAIN, wanted.model_dump_json()],
            env=variables,
        ) as killed:
            assert wait_until(lambda: bool(submitted()), SOON)
            killed.kill()

        model = backend.train(wanted)

        assert [run.state for run in submitted()] == ["SUCCEEDED"]
        assert platform.tracking.find(model.name, {"run_key": "tuesday"}) == model
        with pytest.raises(NotFoundError):
            platform.tracking.version(model.name, model.version + 1)


def test_a_pod_gets_its_secrets_and_its_config_from_the_cluster(
    tmp_path: Path,
) -> None:
    kubeflow = KubeflowSettings(environment_secret="churn", config_map="churn")  # noqa: S106 - a name
    document = compiled(Settings(home=tmp_path, kubeflow=kubeflow))
    for executor in document["pipeline_spec"]["deploymentSpec"]["executors"].values():
        words = 'echo "$MLOPS_POSTGRES__PASSWORD"; cat "$MLOPS_CONFIG"'
        executor["container"] |= {"command": ["sh", "-c", words], "args": []}
    body = {
        "pipeline_spec": document,
        "runtime_config": {"parameters": {"request": "{}"}},
        "experiment_id": "e",
    }
    pods = Pods(
        tmp_path,
        secrets={"churn": {"MLOPS_POSTGRES__PASSWORD": "s3cret"}},
        config_maps={"churn": {"config.yaml": "environment: k3s"}},
    )
    run = DoubleRun(body)

    pods(run)

    assert [*run.logs.values()] == ["s3cret\nenvironment: k3s"] * 2
    assert "s3cret" not in json.dumps(run.told())


def test_the_vendors_own_client_understands_the_double(tmp_path: Path) -> None:
    import kfp

    file = tmp_path / "pipeline.yaml"
    document = compiled(Settings(home=tmp_path))
    file.write_text(yaml.safe_dump(document["pipeline_spec"]), "utf-8")
    with KubeflowDouble(lambda _run: None, token=TOKEN) as double:
        client = kfp.Client(host=double.url, existing_token=TOKEN)

        made = client.create_run_from_pipeline_package(
            str(file),
            arguments={"request": "{}"},
            run_name="monday",
            experiment_name="churn-predictor",
            enable_caching=False,
        )
        done = made.wait_for_run_completion(timeout=SOON)

        assert (done.display_name, done.state) == ("monday", "SUCCEEDED")
        (listed,) = client.list_runs(experiment_id=done.experiment_id).runs
        assert listed.run_id == done.run_id


def test_the_settings_decide_where_training_runs(tmp_path: Path) -> None:
    kubeflow = KubeflowSettings(host="http://kfp:8888")

    with pytest.raises(ConfigError, match=r"set minio\.endpoint"):
        training_backend(connect(Settings(home=tmp_path, kubeflow=kubeflow)))
