"""Runs the pods of a compiled pipeline as processes of this machine.

What Kubeflow's driver, launcher and kubelet do between them, for the pipelines that
have no loops and no conditions: components in the order of their dependencies, values
and artifacts from one to the next, retries, variables from Secrets and ConfigMaps.
"""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from uc1_churn.testing.kubeflow_run import DoubleRun, DoubleTask, PodError

TICK = 0.05  # seconds between two looks at a pod


@dataclass
class Pods:
    """The cluster: call it with a run to do the run's work.

    Attributes:
        folder: For what the pods write.
        secrets: Values by name and key, as in the namespace.
        config_maps: Likewise.
        image: Variables that the image sets.
        disks: What a path of the pods is on this machine. A process has no file
            system of its own: where a variable holds such a path it is replaced.
    """

    folder: Path
    secrets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    config_maps: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    image: Mapping[str, str] = field(default_factory=dict)
    disks: Mapping[str, Path] = field(default_factory=dict)

    def __call__(self, run: DoubleRun) -> None:
        """Run the components; raises `PodError` where one fails for good."""
        spec = run.document["pipeline_spec"]
        outputs: dict[str, dict[str, Any]] = {}
        for name, task in _ordered(spec["root"]["dag"]["tasks"]):
            if run.cancelled.is_set():
                return
            inputs = _inputs(task, run.parameters, outputs)
            component = run.task(name)
            try:
                outputs[name] = self._component(run, name, task, inputs)
            except PodError as error:
                component.state = "CANCELED" if run.cancelled.is_set() else "FAILED"
                component.said = str(error)
                raise
            component.state = "SUCCEEDED"

    def _component(
        self, run: DoubleRun, name: str, task: Mapping[str, Any], inputs: dict[str, Any]
    ) -> dict[str, Any]:
        tries = 1 + int(task.get("retryPolicy", {}).get("maxRetryCount", 0))
        for attempt in range(1, tries + 1):
            folder = self.folder / run.id / f"{name}-{attempt}"
            try:
                return self._pod(run, task, inputs, folder)
            except PodError:
                if attempt == tries or run.cancelled.is_set():
                    raise
        raise AssertionError("a component has at least one try")

    def _pod(
        self,
        run: DoubleRun,
        task: Mapping[str, Any],
        inputs: dict[str, Any],
        folder: Path,
    ) -> dict[str, Any]:
        """Run one pod; return the values and artifacts that it made."""
        spec = run.document["pipeline_spec"]
        component = spec["components"][task["componentRef"]["name"]]
        label = component["executorLabel"]
        container = spec["deploymentSpec"]["executors"][label]["container"]
        outputs = _outputs(component, folder)
        said = json.dumps({"inputs": inputs, "outputs": outputs})
        words = [*container["command"], *container["args"]]
        command = [said if word == "{{$}}" else word for word in words]
        folder.mkdir(parents=True)
        node = run.task("executor")
        self._await_secrets(run, label, node)
        environment = self._environment(run, label, container, folder)
        with (folder / "log").open("wb") as log:
            status = _process(command, environment, log.fileno(), run)
        run.logs[node.pod] = (folder / "log").read_text("utf-8", "replace")
        node.state = "SUCCEEDED" if status == 0 else "FAILED"
        if status:
            node.said = f"Error (exit code {status})"
            raise PodError(f"task {node.pod} failed: {node.said}")
        return dict(outputs["artifacts"])

    def _await_secrets(self, run: DoubleRun, label: str, node: DoubleTask) -> None:
        """Let a pod wait for its Secret, as Kubernetes does: for ever."""
        while self._lacks_secrets(_wanted(run, label)):
            node.state, node.waiting = "PENDING", "CreateContainerConfigError"
            if run.cancelled.wait(TICK):
                node.state = "CANCELED"
                raise PodError("the pod was deleted")
        node.state, node.waiting = "RUNNING", ""

    def _lacks_secrets(self, wanted: Mapping[str, Any]) -> bool:
        return any(
            pair["secretKey"] not in self.secrets.get(entry["secretName"], {})
            for entry in wanted.get("secretAsEnv", ())
            for pair in entry["keyToEnv"]
            if not entry.get("optional")
        )

    def _environment(
        self, run: DoubleRun, label: str, container: Mapping[str, Any], folder: Path
    ) -> dict[str, str]:
        wanted = _wanted(run, label)
        disks = {**self.disks, **self._volumes(wanted, folder)}
        plain = {entry["name"]: entry["value"] for entry in container.get("env", ())}
        found = {**self.image, **plain}
        for path, place in disks.items():
            found = {k: v.replace(path, str(place)) for k, v in found.items()}
        return {
            "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.defpath)),
            "TMPDIR": str(folder),
            "HOME": str(folder),
            **found,
            **self._secret_variables(wanted),
        }

    def _secret_variables(self, wanted: Mapping[str, Any]) -> dict[str, str]:
        found = {}
        for entry in wanted.get("secretAsEnv", ()):
            secret = self.secrets.get(entry["secretName"], {})
            for pair in entry["keyToEnv"]:
                if pair["secretKey"] in secret:
                    found[pair["envVar"]] = secret[pair["secretKey"]]
        return found

    def _volumes(self, wanted: Mapping[str, Any], folder: Path) -> dict[str, Path]:
        """Write the ConfigMaps of a pod; return the place of each mounted path."""
        places = {}
        for entry in wanted.get("configMapAsVolume", ()):
            place = folder / "volumes" / entry["configMapName"]
            place.mkdir(parents=True)
            for key, text in self.config_maps[entry["configMapName"]].items():
                (place / key).write_text(text, "utf-8")
            places[entry["mountPath"]] = place
        return places


def _wanted(run: DoubleRun, label: str) -> Mapping[str, Any]:
    """Return what the pods of a component want of Kubernetes."""
    platforms = run.document.get("platform_spec", {}).get("platforms", {})
    executors = platforms.get("kubernetes", {}).get("deploymentSpec", {})
    found: Mapping[str, Any] = executors.get("executors", {}).get(label, {})
    return found


def _ordered(tasks: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the tasks, each after those that it depends on."""
    waiting, done = dict(tasks), set[str]()
    while waiting:
        ready = [
            name
            for name, task in waiting.items()
            if done.issuperset(task.get("dependentTasks", ()))
        ]
        for name in ready:
            yield name, waiting.pop(name)
        done.update(ready)


def _inputs(
    task: Mapping[str, Any],
    parameters: Mapping[str, Any],
    outputs: Mapping[str, Mapping[str, Any]],
) -> dict[str, Any]:
    wanted = task.get("inputs", {})
    artifacts = {}
    for name, entry in wanted.get("artifacts", {}).items():
        source = entry["taskOutputArtifact"]
        artifacts[name] = outputs[source["producerTask"]][source["outputArtifactKey"]]
    values = {
        name: parameters[entry["componentInputParameter"]]
        for name, entry in wanted.get("parameters", {}).items()
    }
    return {"parameterValues": values, "artifacts": artifacts}


def _outputs(component: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return where a component is to leave what it makes."""
    wanted = component.get("outputDefinitions", {})
    artifacts = {
        name: {
            "artifacts": [
                {
                    "name": name,
                    "type": {"schemaTitle": entry["artifactType"]["schemaTitle"]},
                    "uri": str(folder / name),
                    "metadata": {},
                }
            ]
        }
        for name, entry in wanted.get("artifacts", {}).items()
    }
    values = {
        name: {"outputFile": str(folder / name)}
        for name in wanted.get("parameters", {})
    }
    made = {"outputFile": str(folder / "executor_output.json")}
    return {"parameters": values, "artifacts": artifacts, **made}


def _process(
    command: list[str], environment: Mapping[str, str], log: int, run: DoubleRun
) -> int:
    """Run a command to its end, or until the run is cancelled."""
    with _started(command, environment, log) as process:
        while True:
            try:
                return process.wait(TICK)
            except subprocess.TimeoutExpired:
                if run.cancelled.is_set():
                    os.killpg(process.pid, signal.SIGKILL)


@contextmanager
def _started(
    command: list[str], environment: Mapping[str, str], log: int
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(
        command,
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
