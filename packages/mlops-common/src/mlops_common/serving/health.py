"""How model serving is."""

from mlops_common.health import Health
from mlops_common.sections import KserveSettings


def examine(settings: KserveSettings) -> Health:
    """Tell what serves: processes of this machine, or the KServe of a cluster.

    Raises:
        ConfigError: The cluster does not admit us.
        BackendError: It cannot be reached, or has no KServe.
    """
    if settings.external:
        from mlops_common.serving.kserve import health

        return health.examine(settings)
    return Health("embedded", "processes of this machine")
