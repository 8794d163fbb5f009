"""The pipeline deploys to KServe: a real API server, whose pods are run here."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple

import pytest
import yaml

from mlops_common.bootstrap import Platform
from mlops_common.config import load
from mlops_common.errors import RefusedError
from mlops_common.home import reset
from mlops_common.launch import launch
from mlops_common.simulation import write_company
from mlops_common.testing.external_postgres import (
    PASSWORD,
    external_postgres,
    variables,
)
from mlops_common.testing.kserve import KserveDouble, Kubelet, gateway, install
from mlops_common.testing.kubernetes import ControlPlane
from mlops_common.testing.moto import moto_server
from uc1_churn.result import ChurnResult
from uc1_churn.use_case import USE_CASE

pytestmark = pytest.mark.cluster

NAMESPACE = "models"
SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/models/inferenceservices"
LEASES = "/apis/coordination.k8s.io/v1/namespaces/models/leases"
DEPLOYMENTS = "/apis/apps/v1/namespaces/models/deployments"
SERVICE = f"{SERVICES}/churn-predictor"
LOGGED = "SELECT DISTINCT model_version FROM serving.predictions ORDER BY 1"
QUICK = {"bootstrap_replicates": 100}


class Ran(NamedTuple):
    """A first run, the cluster that it deployed to, and what nobody may see."""

    platform: Platform
    secrets: set[str]
    cluster: ControlPlane
    result: ChurnResult


@pytest.fixture(scope="module")
def ran(
    kubernetes_api: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ran]:
    folder = tmp_path_factory.mktemp("kserve")
    install(kubernetes_api, NAMESPACE)
    with ExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        postgres = stack.enter_context(external_postgres())
        minio = stack.enter_context(moto_server()).bucket()
        given = variables(postgres) | {
            "MLOPS_MINIO__ACCESS_KEY": minio.secret("access_key") or "",
            "MLOPS_MINIO__SECRET_KEY": minio.secret("secret_key") or "",
            "MLOPS_KSERVE__TOKEN": kubernetes_api.token,
            "PREFECT_HOME": str(folder / "prefect"),
        }
        for name, value in given.items():
            patch.setenv(name, value)
        sections: dict[str, Any] = {
            "minio": {"endpoint": minio.endpoint, "bucket": minio.bucket},
            "kserve": {
                "host": kubernetes_api.url,
                "ca_file": str(kubernetes_api.ca_file),
            },
        }
        file = folder / "config.yaml"
        patch.setenv("MLOPS_CONFIG", str(file))
        file.write_text(yaml.safe_dump(sections), "utf-8")
        objects = Platform(load().settings).objects
        pods = Kubelet(folder / "pods", objects, variables(postgres))
        kubelet = stack.enter_context(pods)
        url = stack.enter_context(gateway(kubernetes_api, kubelet))
        sections["kserve"]["url"] = url
        file.write_text(yaml.safe_dump(sections), "utf-8")
        double = KserveDouble(kubernetes_api, NAMESPACE, kubelet)
        stack.enter_context(double.running())
        platform = Platform(load().settings, file)
        stack.callback(reset, platform)
        make_company(platform)
        secrets = {
            PASSWORD,
            given["MLOPS_MINIO__ACCESS_KEY"],
            given["MLOPS_MINIO__SECRET_KEY"],
            given["MLOPS_KSERVE__TOKEN"],
        }
        yield Ran(platform, secrets, kubernetes_api, run(platform))


def make_company(platform: Platform) -> None:
    platform.postgres.ensure_database("customers")
    end = datetime.now(UTC).date().replace(day=1)
    write_company(platform.postgres, seed=7, customers=600, months=4, end=end)


def run(platform: Platform, **values: Any) -> ChurnResult:
    result = launch(USE_CASE, platform, {"training": QUICK, **values})
    assert isinstance(result, ChurnResult)
    return result


def test_the_service_answers_as_the_model_does_offline_and_names_its_version(
    ran: Ran,
) -> None:
    """The deploy itself compares 50 customers, online with offline."""
    service = ran.cluster.get(SERVICE)

    model = service["spec"]["predictor"]["model"]
    assert model["storageUri"] == ran.result.model.uri
    assert model["storageUri"].startswith("s3://")
    assert ran.platform.serving.endpoint("churn-predictor") == ran.result.endpoint
    assert ran.result.endpoint.model == ran.result.model
    assert ran.platform.tracking.resolve("churn-predictor", "champion").version == 1


def test_no_secret_is_in_what_the_cluster_was_told(ran: Ran) -> None:
    told = [ran.cluster.get(path) for path in (SERVICES, LEASES, DEPLOYMENTS)]

    text = json.dumps(told)
    assert "churn-predictor" in text
    assert [secret for secret in ran.secrets if json.dumps(secret)[1:-1] in text] == []


def test_the_pod_logs_its_predictions(ran: Ran) -> None:
    with ran.platform.postgres.connect("mlops") as connection:
        versions = connection.execute(LOGGED).fetchall()

    assert (ran.result.model.version,) in versions


def test_a_second_version_takes_over_and_can_be_rolled_back(ran: Ran) -> None:
    second = run(ran.platform, skip_training=False)
    rolled = ran.platform.serving.roll_back("churn-predictor")

    assert second.model.version > ran.result.model.version
    assert rolled.model.version == ran.result.model.version
    assert second.endpoint.url == rolled.url == ran.result.endpoint.url


def test_a_worse_challenger_reaches_no_pod(ran: Ran) -> None:
    before = ran.cluster.get(SERVICE)["metadata"]["generation"]

    with pytest.raises(RefusedError):
        run(
            ran.platform,
            training={**QUICK, "trees": 1, "leaves": 2},
            gate={"min_roc_auc": 0.0},
        )

    assert ran.cluster.get(SERVICE)["metadata"]["generation"] == before


def test_the_curl_line_of_the_report_is_answered(ran: Ran) -> None:
    from mlops_common.testing.command import python

    program = (
        "import shlex, sys, urllib.request; words = shlex.split(sys.argv[1]); "
        "data = words[words.index('-d') + 1].encode(); "
        "print(urllib.request.urlopen(words[2], data).read().decode())"
    )

    said = python("-c", program, ran.result.curl)

    assert said.code == 0, said.err
    assert 0 < json.loads(said.out)["predictions"][0] < 1
