"""The variables of a step on a cluster: plain ones, and those of a Kubernetes Secret.

A step is told where the systems are by plain variables. What is secret it gets from a
Secret of its namespace, whose keys are the names of the variables.
"""

from mlops_common.config import PATHS, SECRETS, flatten, variable
from mlops_common.settings import Settings

# What the steps use; features and endpoints are no concern of theirs.
SECTIONS = ("postgres", "minio", "mlflow")
HOME = "/tmp/mlops"  # noqa: S108 - a pod's own disk, gone with it
CONFIG = "/etc/mlops"
ENV_FILE = "platform.env"


def plain_variables(settings: Settings) -> dict[str, str]:
    """Return the variables of a step that are no secrets.

    Examples:
        >>> from pathlib import Path
        >>> from mlops_common.sections import MlflowSettings
        >>> mlflow = MlflowSettings(tracking_uri="http://mlflow:5000")
        >>> plain_variables(Settings(home=Path("/home"), mlflow=mlflow))
        {'MLOPS_HOME': '/tmp/mlops', 'MLOPS_MLFLOW__TRACKING_URI': 'http://mlflow:5000'}
    """
    home = {"MLOPS_HOME": HOME}
    if settings.kubeflow.config_map:
        return home | {"MLOPS_CONFIG": f"{CONFIG}/config.yaml"}
    values = settings.model_dump(
        mode="json", include=set(SECTIONS), exclude_defaults=True
    )
    ours_alone = {*SECRETS, *(".".join(keys) for keys in PATHS)}
    shared = {k: v for k, v in flatten(values) if k not in ours_alone and v is not None}
    return home | {variable(key): str(value) for key, value in shared.items()}


def secret_variables(settings: Settings) -> dict[str, bool]:
    """Return the variables that the Secret may hold, and whether it must.

    It must hold each secret that this process itself was given.
    """
    found = {}
    for key in SECRETS:
        section, _, name = key.partition(".")
        if section in SECTIONS:
            values = getattr(settings, section)
            given = getattr(values, name), getattr(values, f"{name}_file")
            found[variable(key)] = any(value is not None for value in given)
    return found


def required_secrets(settings: Settings) -> tuple[str, ...]:
    """Return the variables without which no step may start."""
    return tuple(name for name, must in secret_variables(settings).items() if must)


def how_to_make_the_secret(settings: Settings) -> str:
    """Say by which command the Secret is made, or completed.

    Examples:
        >>> from pathlib import Path
        >>> print(how_to_make_the_secret(Settings(home=Path("/home"))))
        kubectl -n kubeflow create secret generic mlops-environment \
--from-env-file=platform.env --dry-run=client -o yaml | kubectl apply -f -
    """
    kubeflow = settings.kubeflow
    return (
        f"kubectl -n {kubeflow.namespace} create secret generic "
        f"{kubeflow.environment_secret} --from-env-file={ENV_FILE} "
        "--dry-run=client -o yaml | kubectl apply -f -"
    )
