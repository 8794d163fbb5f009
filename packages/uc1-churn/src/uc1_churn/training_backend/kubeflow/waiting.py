"""Pods that Kubernetes cannot start, for want of the Secret with their variables.

Such a pod waits for ever, and its run with it: Kubeflow itself never fails it.
"""

from mlops_common.errors import ConfigError
from mlops_common.settings import Settings
from uc1_churn.training_backend.environment import (
    ENV_FILE,
    how_to_make_the_secret,
    required_secrets,
)
from uc1_churn.training_backend.kubeflow.api import KubeflowApi
from uc1_churn.training_backend.kubeflow.runs import Run

WITHOUT_SECRET = "CreateContainerConfigError"  # noqa: S105 - Kubernetes' word for it


def complaint(api: KubeflowApi, run: Run) -> str:
    """Return what Kubernetes says of a pod that lacks its Secret; empty if none does.

    A server that failed the run tells it with the run; of a pod that waits it tells
    who asks for its log.
    """
    for said in (run.said, *(task.said for task in run.tasks)):
        if WITHOUT_SECRET in said:
            return said
    for pod in run.pending:
        if api.waiting(run.id, pod) == WITHOUT_SECRET:
            return f"pod {pod} waits with {WITHOUT_SECRET}"
    return ""


def refusal(settings: Settings, run: Run, said: str) -> ConfigError:
    """Return the error of a run whose pods lack their Secret.

    Args:
        settings: Of the cluster.
        run: The run.
        said: By Kubernetes.
    """
    namespace, keys = settings.kubeflow.namespace, ", ".join(required_secrets(settings))
    return ConfigError(
        f"Kubernetes cannot start a step of Kubeflow run {run.id}: {said}; the "
        f"namespace {namespace} needs the Secret {settings.kubeflow.environment_secret}"
        f" with the keys {keys}: write each as a line NAME=value to {ENV_FILE}, then "
        f"{how_to_make_the_secret(settings)}"
    )
