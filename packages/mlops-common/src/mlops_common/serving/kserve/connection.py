"""How the Kubernetes API server is reached: address, trust and who we are."""

from pathlib import Path
from typing import TYPE_CHECKING

from mlops_common.errors import ConfigError
from mlops_common.sections import KserveSettings

if TYPE_CHECKING:
    from kubernetes.client import ApiClient, Configuration

POD_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")
DEFAULT = "default"


def client(settings: KserveSettings) -> "ApiClient":
    """Return a client of the API server that the settings name.

    Raises:
        ConfigError: They name none that can be reached by them.
    """
    from kubernetes.client import ApiClient
    from kubernetes.config import ConfigException

    try:
        configuration = _configuration(settings)
    except (ConfigException, OSError) as error:
        raise ConfigError(
            f"cannot connect to Kubernetes by the section kserve: {error}; set "
            "kserve.host with a token, kserve.kubeconfig, or kserve.in_cluster in a pod"
        ) from error
    # We retry ourselves, and say what for.
    configuration.retries = False
    return ApiClient(configuration)


def namespace(settings: KserveSettings) -> str:
    """Return the namespace of services for which nothing else is said."""
    if settings.namespace is not None:
        return settings.namespace
    if settings.host is not None:
        return DEFAULT
    if settings.in_cluster:
        return _read(POD_NAMESPACE) or DEFAULT
    from kubernetes import config

    contexts, active = config.list_kube_config_contexts(_path(settings.kubeconfig))
    named = {context["name"]: context for context in contexts}
    chosen = named.get(settings.context or "", active)
    return str(chosen["context"].get("namespace") or DEFAULT)


def _configuration(settings: KserveSettings) -> "Configuration":
    from kubernetes import config
    from kubernetes.client import Configuration

    configuration = Configuration()
    if settings.host is not None:
        _address(configuration, settings)
    elif settings.in_cluster:
        config.load_incluster_config(client_configuration=configuration)
    else:
        config.load_kube_config(
            _path(settings.kubeconfig),
            context=settings.context,
            client_configuration=configuration,
        )
    return configuration


def _address(configuration: "Configuration", settings: KserveSettings) -> None:
    """Take the server and the token from the settings."""

    def authorize(target: "Configuration") -> None:
        # Read each time: a token in a file is replaced before it expires.
        token = settings.secret("token")
        if token is not None:
            target.api_key["authorization"] = f"Bearer {token}"

    configuration.host = settings.host
    configuration.ssl_ca_cert = _path(settings.ca_file)
    configuration.refresh_api_key_hook = authorize
    authorize(configuration)


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path.expanduser())


def _read(path: Path) -> str:
    return path.read_text("utf-8").strip() if path.is_file() else ""
