"""How model serving is."""

from typing import TYPE_CHECKING

from mlops_common.health import Health

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform


def examine(platform: "Platform") -> Health:
    """Tell what serves: processes of this machine, or the KServe of a cluster.

    Raises:
        ConfigError: The cluster does not admit us.
        BackendError: It cannot be reached, or has no KServe.
    """
    settings = platform.settings.kserve
    if settings.external:
        from mlops_common.serving.kserve import health

        return health.examine(settings)
    names = platform.serving.names()
    services = f"{len(names)} services" if names else "no services yet"
    return Health("embedded", "processes of this machine", facts=(services,))
