"""etcd and the API server as processes of this machine."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK
from mlops_common.testing.children import Children
from mlops_common.testing.kubernetes.certificates import PROXY, SERVICE, certify
from mlops_common.testing.kubernetes.cluster import Cluster, until
from mlops_common.testing.kubernetes.programs import Programs, programs


class ControlPlane(Cluster):
    """A cluster whose API server can be stopped and started again."""

    def __init__(self, folder: Path, found: Programs) -> None:
        api, definitions = (f"https://{LOOPBACK}:{free_port()}" for _ in range(2))
        super().__init__(folder, api, definitions if found.aggregated else api)
        self.programs = found
        self._etcd = f"http://{LOOPBACK}:{free_port()}"
        self._children = Children(folder)

    def stop_api(self) -> None:
        """Kill the API server; what it stored stays."""
        self._children.kill("kube-apiserver")

    def start_api(self) -> None:
        """Start the API server, and wait until it is ready."""
        self._run("kube-apiserver", *self._api_options())
        until(self._ready)

    def start(self) -> None:
        """Start everything."""
        certify(self.folder)
        self._write_tokens()
        self._run("etcd", *self._etcd_options())
        self.start_api()
        if self.programs.aggregated:
            self._start_definitions()

    def stop(self) -> None:
        """End everything; etcd last, without which an API server takes a minute."""
        self._children.stop()

    def _write_tokens(self) -> None:
        file = self.folder / "tokens.csv"
        file.touch(mode=0o600)
        file.write_text(f'{self.token},admin,1,"system:masters"\n', "utf-8")

    def _etcd_options(self) -> list[str]:
        peer = f"http://{LOOPBACK}:{free_port()}"
        return [
            f"--data-dir={self.folder / 'etcd'}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={self._etcd}",
            f"--advertise-client-urls={self._etcd}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
        ]

    def _api_options(self) -> list[str]:
        folder = self.folder
        options = [
            f"--etcd-servers={self._etcd}",
            f"--secure-port={self.url.rpartition(':')[2]}",
            f"--bind-address={LOOPBACK}",
            f"--advertise-address={LOOPBACK}",
            f"--tls-cert-file={folder / 'api.crt'}",
            f"--tls-private-key-file={folder / 'api.key'}",
            f"--client-ca-file={folder / 'ca.crt'}",
            f"--cert-dir={folder / 'certificates'}",
            f"--token-auth-file={folder / 'tokens.csv'}",
            "--authorization-mode=RBAC",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-account-key-file={folder / 'sa.pub'}",
            f"--service-account-signing-key-file={folder / 'sa.key'}",
            "--service-cluster-ip-range=10.96.0.0/24",
            # It waits for accounts that only the controller manager makes.
            "--disable-admission-plugins=ServiceAccount",
        ]
        return options + (self._proxy_options() if self.programs.aggregated else [])

    def _proxy_options(self) -> list[str]:
        """Return how the API server speaks for its users to the other one."""
        folder = self.folder
        return [
            f"--requestheader-client-ca-file={folder / 'proxy-ca.crt'}",
            f"--requestheader-allowed-names={PROXY}",
            "--requestheader-username-headers=X-Remote-User",
            "--requestheader-group-headers=X-Remote-Group",
            "--requestheader-extra-headers-prefix=X-Remote-Extra-",
            f"--proxy-client-cert-file={folder / 'proxy.crt'}",
            f"--proxy-client-key-file={folder / 'proxy.key'}",
        ]

    def _start_definitions(self) -> None:
        """Start the server of custom resources, beside an old API server."""
        port = int(self.definitions_url.rpartition(":")[2])
        self._run(
            "apiextensions-apiserver",
            f"--etcd-servers={self._etcd}",
            "--etcd-prefix=/custom-resources",
            f"--secure-port={port}",
            f"--bind-address={LOOPBACK}",
            f"--tls-cert-file={self.folder / 'crd.crt'}",
            f"--tls-private-key-file={self.folder / 'crd.key'}",
            f"--kubeconfig={self.kubeconfig}",
            f"--authentication-kubeconfig={self.kubeconfig}",
            f"--authorization-kubeconfig={self.kubeconfig}",
            "--enable-priority-and-fairness=false",
            # APIs that the old server does not have.
            "--disable-admission-plugins="
            "ValidatingAdmissionPolicy,MutatingAdmissionPolicy",
        )
        url = f"{self.definitions_url}/readyz"
        until(lambda: self._definitions_ready(url))
        # An endpoint may not be on loopback; the name of one may.
        name = {"type": "ExternalName", "externalName": "localhost"}
        spec = {**name, "ports": [{"port": port}]}
        service = {"metadata": {"name": SERVICE}, "spec": spec}
        self.request("POST", "/api/v1/namespaces/kube-system/services", service)

    def _run(self, name: str, *options: str) -> None:
        self._children.start(name, [str(self.programs.path(name)), *options])

    def _ready(self) -> Any:
        self._children.require("etcd", "kube-apiserver")
        return self.request("GET", "/readyz")

    def _definitions_ready(self, url: str) -> Any:
        self._children.require("apiextensions-apiserver")
        return self._ask(url, "GET", None, self.token, "application/json")


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Yield a running API server with nothing in it; the test is skipped without one.

    It belongs to the thread that called this, with which it ends.
    """
    with tempfile.TemporaryDirectory(prefix="mlops-kubernetes-") as name:
        folder = Path(name)
        cluster = ControlPlane(folder, programs(folder / "programs"))
        try:
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
