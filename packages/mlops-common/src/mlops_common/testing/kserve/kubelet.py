"""Pods that answer: a double of the kubelet, with processes for containers."""

import os
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Self

from mlops_common.objects.base import ObjectStore
from mlops_common.ports import free_port
from mlops_common.processes import LOOPBACK
from mlops_common.testing.kserve.workloads import Resource, essence, source

GRACE = 60.0  # seconds to end in good order


@dataclass
class Pod:
    """A model server that was started.

    Attributes:
        essence: What its template says.
        process: The process.
        port: Where it answers, on loopback.
        log: What it wrote.
        answered: Whether it was ready once.
    """

    essence: str
    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    answered: bool = False

    def outcome(self) -> str | None:
        """Return why it ended, empty if it answers, or nothing while it starts."""
        if self.process.poll() is not None:
            lines = self.log.read_text("utf-8", "replace").strip().splitlines()
            return f"ModelLoadFailed: {lines[-1] if lines else 'no message'}"
        self.answered = self.answered or _answers(self.port)
        return "" if self.answered else None

    def end(self) -> None:
        """Ask it to end, and wait until it has."""
        self.process.terminate()
        self.process.wait(GRACE)


class Kubelet:
    """Runs the pods of Deployments, as processes of our own model server.

    Args:
        folder: For the models and the logs.
        objects: Where storage URIs lead to, as for KServe's storage initializer.
        environment: Variables that the pods get besides those of their templates.
    """

    def __init__(
        self,
        folder: Path,
        objects: ObjectStore,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._folder = folder
        self._objects = objects
        self._environment = dict(environment or {})
        # By Deployment: the pod that answers, and the one that shall.
        self._old: dict[str, Pod] = {}
        self._new: dict[str, Pod] = {}
        self._started = 0

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name in {*self._old, *self._new}:
            self.end(name)

    def outcome(self, name: str, template: Resource) -> str | None:
        """Return why a Deployment's pod failed, empty if it answers, else nothing.

        It is started if it does not run. One of an earlier template answers until
        this one does.
        """
        wanted, pod = essence(template), self._new.get(name)
        if pod is None or pod.essence != wanted:
            if pod is not None:
                self._retire(name, pod)
            pod = self._new[name] = self._start(template)
        told = pod.outcome()
        if told == "" and name in self._old:
            self._old.pop(name).end()
        return told

    def port(self, name: str) -> int | None:
        """Return where a Deployment's pod answers, if it does."""
        for pods in (self._new, self._old):
            pod = pods.get(name)
            if pod is not None and pod.answered:
                return pod.port
        return None

    def end(self, name: str) -> None:
        """End the pods of a Deployment."""
        for pods in (self._old, self._new):
            pod = pods.pop(name, None)
            if pod is not None:
                pod.end()

    def _retire(self, name: str, pod: Pod) -> None:
        """Let a pod answer until its successor does, if it ever did."""
        if pod.answered and name not in self._old:
            self._old[name] = pod
        else:
            pod.end()

    def _start(self, template: Resource) -> Pod:
        self._started += 1
        place = self._folder / str(self._started)
        port, log = free_port(), self._folder / f"{self._started}.log"
        models = self._fetch(source(template), place)
        options = [f"--models={models}", f"--port={port}"]
        told = template["spec"]["containers"][0]["env"]
        variables = {variable["name"]: variable["value"] for variable in told}
        environment = {**os.environ, **self._environment, **variables}
        environment["MLOPS_HOME"] = str(place / "home")
        with log.open("wb") as stream:
            process = subprocess.Popen(
                [sys.executable, "-m", "mlops_common.model_pod", *options],
                env=environment,
                cwd=place,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
            )
        return Pod(essence(template), process, port, log)

    def _fetch(self, uri: str, place: Path) -> Path:
        """Download a model, as KServe's storage initializer does."""
        root = self._objects.uri("x").removesuffix("x")
        prefix = uri.removeprefix(root).rstrip("/") + "/"
        models = place / prefix.rstrip("/").rpartition("/")[2]
        for key in self._objects.keys(prefix):
            target = models / key.removeprefix(prefix)
            target.parent.mkdir(parents=True, exist_ok=True)
            self._objects.download(key, target)
        models.mkdir(parents=True, exist_ok=True)
        return models


def _answers(port: int) -> bool:
    url = f"http://{LOOPBACK}:{port}/v2/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - ours
            return bool(answer.status == HTTPStatus.OK)
    except OSError:
        return False
