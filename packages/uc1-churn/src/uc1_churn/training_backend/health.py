"""How Kubeflow Pipelines is."""

from typing import TYPE_CHECKING

from mlops_common.health import Health, found

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

PATIENCE = 5.0  # seconds


def examine(platform: "Platform") -> Health:
    """Tell whether the API server admits us, and whether its pods reach the rest.

    Raises:
        ConfigError: The server does not accept the token, or the settings of another
            part are of no use to a pod.
        BackendError: It cannot be reached.
    """
    settings = platform.settings.kubeflow
    if not settings.external:
        return Health("embedded", "kfp.local", facts=("runs in a process of ours",))
    from uc1_churn.training_backend import shared_parts
    from uc1_churn.training_backend.kubeflow_api import KubeflowApi
    from uc1_churn.training_backend.patience import Pace

    facts = KubeflowApi(settings, Pace(), patience=PATIENCE).described()
    shared_parts.require(platform.settings)
    return found(str(settings.host), facts=facts)
