import pytest

from mlops_common.testing.kubernetes import (
    ControlPlane,
    RequestError,
    custom_resources,
)

pytestmark = pytest.mark.cluster

SERVICES = "/apis/serving.kserve.io/v1beta1/namespaces/trial/inferenceservices"
APPLY = "application/apply-patch+yaml"


@pytest.fixture(scope="module")
def cluster(kubernetes_api: ControlPlane) -> ControlPlane:
    account = {"apiVersion": "v1", "kind": "ServiceAccount"}
    kubernetes_api.apply(
        [
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "trial"}},
            {**account, "metadata": {"name": "nobody", "namespace": "trial"}},
            *custom_resources("kserve"),
        ]
    )
    return kubernetes_api


def service(name: str, **predictor: object) -> dict[str, object]:
    model = {"modelFormat": {"name": "mlops"}, "storageUri": "s3://models/1"}
    return {
        "apiVersion": "serving.kserve.io/v1beta1",
        "kind": "InferenceService",
        "metadata": {"name": name, "namespace": "trial"},
        "spec": {"predictor": {"model": model, **predictor}},
    }


def test_a_manifest_is_applied_and_applied_again(cluster: ControlPlane) -> None:
    cluster.apply([service("applied"), service("applied", canaryTrafficPercent=10)])

    found = cluster.get(f"{SERVICES}/applied")

    assert found["spec"]["predictor"]["canaryTrafficPercent"] == 10
    assert found["metadata"]["generation"] == 2
    assert cluster.get(f"{SERVICES}/absent") is None


@pytest.mark.parametrize(
    ("predictor", "status"), [({"typo": 1}, 400), ({"canaryTrafficPercent": "1"}, 422)]
)
def test_an_unknown_field_and_a_wrong_type_are_refused(
    cluster: ControlPlane, predictor: dict[str, object], status: int
) -> None:
    wanted = service("wrong", **predictor)

    with pytest.raises(RequestError) as caught:
        cluster.request("POST", f"{SERVICES}?fieldValidation=Strict", wanted)

    assert caught.value.status == status


def test_status_has_its_own_door(cluster: ControlPlane) -> None:
    cluster.apply([service("told")])
    told = {"status": {"url": "http://told"}}
    kind = "application/merge-patch+json"

    cluster.request("PATCH", f"{SERVICES}/told", told, kind=kind)
    assert "url" not in cluster.get(f"{SERVICES}/told").get("status", {})
    cluster.request("PATCH", f"{SERVICES}/told/status", told, kind=kind)

    found = cluster.get(f"{SERVICES}/told")
    assert found["status"]["url"] == "http://told"
    assert found["metadata"]["generation"] == 1


def test_a_field_of_another_manager_is_a_conflict(cluster: ControlPlane) -> None:
    cluster.apply([service("owned", canaryTrafficPercent=10)])
    wanted = service("owned", canaryTrafficPercent=20)

    with pytest.raises(RequestError, match=r"\.spec\.predictor\.canary") as caught:
        cluster.request(
            "PATCH", f"{SERVICES}/owned?fieldManager=other", wanted, kind=APPLY
        )

    assert caught.value.status == 409


def test_an_account_may_do_what_it_was_allowed(cluster: ControlPlane) -> None:
    token = cluster.service_account_token("trial", "nobody")

    with pytest.raises(RequestError, match="cannot list resource"):
        cluster.request("GET", SERVICES, token=token)
    with pytest.raises(RequestError, match="401"):
        cluster.request("GET", SERVICES, token="of-nobody")  # noqa: S106


def test_what_was_stored_outlives_the_server(cluster: ControlPlane) -> None:
    cluster.apply([service("kept")])

    cluster.stop_api()
    with pytest.raises(OSError, match="refused"):
        cluster.get(f"{SERVICES}/kept")
    cluster.start_api()

    assert cluster.get(f"{SERVICES}/kept") is not None
