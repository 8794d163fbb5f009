"""The training pipeline as a Kubeflow API server takes it.

The steps get their secrets as variables from a Kubernetes Secret, and the other
settings from a ConfigMap or as plain variables: nothing secret is in the compiled
pipeline or in its parameters. Compile to a file, with the settings of this process, by
`python -m uc1_churn.training_backend.compilation TARGET.yaml`.
"""

import sys
import tempfile
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl, kubernetes

from mlops_common.config import load
from mlops_common.sections import KubeflowSettings
from mlops_common.settings import Settings
from uc1_churn.training_backend.environment import (
    CONFIG,
    plain_variables,
    secret_variables,
)
from uc1_churn.training_backend.pipeline import training_pipeline

# A node that goes away costs one more try.
RETRIES, RETRY_DELAY = 1, "10s"


def compiled(settings: Settings) -> dict[str, Any]:
    """Return the pipeline with the image, resources and variables of the settings.

    Returns:
        `pipeline_spec`, and `platform_spec` where Kubernetes is asked for something,
        as the API takes them.

    Examples:
        >>> from mlops_common.sections import KubeflowSettings
        >>> kubeflow = KubeflowSettings(image="registry.example/uc1-churn:1")
        >>> settings = Settings(home=Path("/home"), kubeflow=kubeflow)
        >>> spec = compiled(settings)["pipeline_spec"]
        >>> executors = spec["deploymentSpec"]["executors"].values()
        >>> {executor["container"]["image"] for executor in executors}
        {'registry.example/uc1-churn:1'}
    """

    def place(task: dsl.PipelineTask) -> None:
        _demand(task, settings.kubeflow)
        for name, value in plain_variables(settings).items():
            task.set_env_variable(name, value)
        if settings.kubeflow.config_map:
            kubernetes.use_config_map_as_volume(
                task, settings.kubeflow.config_map, CONFIG
            )
        _admit(task, settings)

    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(training_pipeline(place), str(file))
        documents = list(yaml.safe_load_all(file.read_text("utf-8")))
    return dict(zip(("pipeline_spec", "platform_spec"), documents, strict=False))


def _demand(task: dsl.PipelineTask, kubeflow: KubeflowSettings) -> None:
    task.set_container_image(kubeflow.image)
    task.set_cpu_request(kubeflow.cpu)
    task.set_memory_request(kubeflow.memory)
    task.set_memory_limit(kubeflow.memory)
    task.set_retry(num_retries=RETRIES, backoff_duration=RETRY_DELAY)


def _admit(task: dsl.PipelineTask, settings: Settings) -> None:
    """Let a step have the secrets, each under the name of its variable."""
    secret = settings.kubeflow.environment_secret
    if secret is None:
        return
    for required in (True, False):
        names = [
            n for n, must in secret_variables(settings).items() if must == required
        ]
        if names:
            kubernetes.use_secret_as_env(
                task, secret, {name: name for name in names}, optional=not required
            )


if __name__ == "__main__":
    documents = compiled(load().settings)
    text = yaml.safe_dump_all(documents.values(), sort_keys=False)
    Path(sys.argv[1]).write_text(text, "utf-8")
