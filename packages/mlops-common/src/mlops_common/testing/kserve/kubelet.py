"""Pods that answer: a double of the kubelet, with processes for containers."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from mlops_common.processes import LOOPBACK, free_port
from mlops_common.testing.kserve.workloads import Resource, source

SLOT = "mlops/slot"
GRACE = 60.0  # seconds to end in good order


@dataclass
class Pod:
    """A running model server.

    Attributes:
        process: The process.
        port: Where it answers, on loopback.
        log: What it wrote.
        ready: Whether it answered once.
    """

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    ready: bool = False


class Kubelet:
    """Runs the pods of templates as processes of our own model server.

    Args:
        folder: For the logs.
        fetch: Given a storage URI, returns the model's folder, as KServe's storage
            initializer would have filled it.
        environment: Variables that the pods get besides those of the template.
    """

    def __init__(
        self,
        folder: Path,
        fetch: Callable[[str], Path],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._fetch = fetch
        self._environment = dict(environment or {})
        self._pods: dict[str, Pod] = {}

    def fate(self, template: Resource) -> str | None:
        """Return why the pod of a template failed, empty if it answers, else nothing.

        It is started if it does not run.
        """
        slot = template["metadata"]["annotations"][SLOT]
        pod = self._pods.get(slot)
        if pod is None:
            pod = self._pods[slot] = self._start(slot, template)
        if pod.process.poll() is not None:
            lines = pod.log.read_text("utf-8", "replace").strip().splitlines()
            return f"ModelLoadFailed: {lines[-1] if lines else 'no message'}"
        pod.ready = pod.ready or _answers(pod.port)
        return "" if pod.ready else None

    def port(self, slot: str) -> int | None:
        """Return where the pod of a slot answers, if it does."""
        pod = self._pods.get(slot)
        return pod.port if pod is not None and pod.ready else None

    def keep(self, slots: set[str]) -> None:
        """End the pods of all other slots."""
        ended = [self._pods.pop(slot) for slot in set(self._pods) - slots]
        for pod in ended:
            pod.process.terminate()
        for pod in ended:
            pod.process.wait(GRACE)

    def _start(self, slot: str, template: Resource) -> Pod:
        port, log = free_port(), self._folder / f"{slot}.log"
        models = self._fetch(source(template))
        options = [f"--models={models}", f"--port={port}"]
        command = [sys.executable, "-m", "mlops_common.model_pod", *options]
        told = template["spec"]["containers"][0]["env"]
        variables = {variable["name"]: variable["value"] for variable in told}
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command,
                env={**os.environ, **self._environment, **variables},
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        return Pod(process, port, log)


def _answers(port: int) -> bool:
    url = f"http://{LOOPBACK}:{port}/v2/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - ours
            return bool(answer.status == 200)  # noqa: PLR2004
    except OSError:
        return False
