from pathlib import Path

import pytest
from pydantic import SecretStr

from mlops_common.errors import BackendError, ConfigError
from mlops_common.sections import KserveSettings
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve import install
from mlops_common.testing.kubernetes import ControlPlane

pytestmark = pytest.mark.cluster


@pytest.fixture(scope="module")
def plain(kubernetes_api: ControlPlane) -> str:
    install(kubernetes_api, "plain")
    return "plain"


def test_a_wrong_token_is_told_and_not_repeated(
    kubernetes_api: ControlPlane, plain: str
) -> None:
    wrong = KserveSettings(
        host=kubernetes_api.url,
        ca_file=kubernetes_api.ca_file,
        token=SecretStr("hunter2"),
        namespace=plain,
    )

    with pytest.raises(ConfigError, match="refused the token") as caught:
        KserveServing(wrong).names()

    assert "hunter2" not in str(caught.value)


def test_a_token_file_is_read_again_when_it_was_renewed(
    kubernetes_api: ControlPlane, plain: str, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("of-nobody", "utf-8")
    kserve = KserveServing(
        KserveSettings(
            host=kubernetes_api.url,
            ca_file=kubernetes_api.ca_file,
            token_file=token,
            namespace=plain,
        )
    )
    with pytest.raises(ConfigError, match="wrong or expired"):
        kserve.names()

    token.write_text(kubernetes_api.token, "utf-8")

    assert kserve.names() == []


def test_an_account_without_rights_is_told_what_it_lacks(
    kubernetes_api: ControlPlane, plain: str
) -> None:
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "nobody", "namespace": plain},
    }
    kubernetes_api.apply([account])
    token = kubernetes_api.service_account_token(plain, "nobody")
    nobody = KserveSettings(
        kubeconfig=kubernetes_api.kubeconfig_of(token, "nobody"), namespace=plain
    )

    with pytest.raises(ConfigError, match=r"cannot list resource .inferenceservices"):
        KserveServing(nobody).names()


def test_no_server_is_told_with_its_address() -> None:
    nowhere = KserveSettings(
        host="https://127.0.0.1:1", namespace="models", patience=0.5
    )

    with pytest.raises(BackendError, match=r"127\.0\.0\.1:1 does not answer"):
        KserveServing(nowhere).names()


def test_a_kubeconfig_that_is_not_there_is_told(tmp_path: Path) -> None:
    absent = KserveSettings(kubeconfig=tmp_path / "config", namespace="models")

    with pytest.raises(ConfigError, match=r"kserve\.kubeconfig"):
        KserveServing(absent).names()
