"""A cluster as the settings name it: what it can do, and where services are."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

from mlops_common.errors import ConfigError, RefusedError
from mlops_common.sections import KserveSettings
from mlops_common.serving.kserve import connection, modes
from mlops_common.serving.kserve.api import MANAGER, Api
from mlops_common.serving.kserve.manifest import MANAGED, Target
from mlops_common.serving.kserve.modes import SERVICES, Capability
from mlops_common.serving.kserve.resource import ServiceResource
from mlops_common.serving.kserve.rollout import Block

if TYPE_CHECKING:
    from kubernetes.client import ApiClient

OURS = f"{MANAGED}={MANAGER}"
KIND = "inferenceservices"


class Cluster:
    """The cluster that the settings name.

    Args:
        settings: Which cluster, and how services run there.
        client: Another way to it.
    """

    def __init__(
        self, settings: KserveSettings, client: "ApiClient | None" = None
    ) -> None:
        self._settings = settings
        self._client = client
        self._capabilities: dict[str, Capability] = {}
        # Where services were deployed of which only the name is told later.
        self._namespaces: dict[str, str] = {}

    @cached_property
    def api(self) -> Api:
        """The API server.

        Raises:
            ConfigError: The settings name none.
        """
        client = self._client or connection.client(self._settings)
        return Api(client, self._settings.patience)

    def capability(self, namespace: str) -> Capability:
        """Return what its KServe can do; asked once.

        Raises:
            BackendError: It has no KServe.
            ConfigError: It cannot do what the settings say.
        """
        found = self._capabilities.get(namespace)
        if found is None:
            found = modes.detect(self.api, self._settings.mode, namespace)
            self._capabilities[namespace] = found
        return found

    def service(self, name: str, namespace: str = "") -> ServiceResource:
        """Return a service, which may exist or not.

        Args:
            name: Of the service.
            namespace: Where it shall be, unless the settings say it.

        Raises:
            ConfigError: Several namespaces have a service of this name.
        """
        if namespace:
            self._namespaces[name] = namespace
        where = self._settings.namespace or self._namespaces.get(name)
        if where is None:
            where = self._found(name)
        existing = self.api.find(f"{SERVICES}/namespaces/{where}/{KIND}/{name}")
        target = Target(
            name,
            where,
            self.capability(where).style(existing),
            self._settings.runtime or "",
            self._settings.service_account or "",
        )
        return ServiceResource(self.api, target)

    def check_split(self, target: Target) -> None:
        """Check that requests can be split.

        Raises:
            RefusedError: KServe would ignore the share, without a word.
        """
        if target.style == "revisions":
            return
        if target.style == "sibling":
            raise RefusedError(
                f"KServe in {target.mode} mode splits requests from version 0.20 on; "
                "upgrade it, or promote without a canary",
                {"mode": target.mode, "canary": False},
            )
        gateway = self.capability(target.namespace).gateway
        if not gateway:
            told = "off" if gateway is False else "not to be seen from here"
            raise RefusedError(
                f"KServe in {target.mode} mode splits requests by the Gateway API, "
                f"which is {told}; set enableGatewayApi in the key ingress of its "
                "ConfigMap inferenceservice-config (and let this account read that)",
                {"mode": target.mode, "gateway": gateway},
            )

    def names(self) -> list[str]:
        """Return the names of the services that this platform deployed, sorted."""
        blocks = (Block.read(item["spec"]["predictor"]) for item in self._list())
        return sorted({block.version.spec.name for block in blocks if block})

    def _found(self, name: str) -> str:
        """Return the namespace that has a service; our own where none may be seen."""
        found = self.api.visible(f"{SERVICES}/{KIND}", labelSelector=OURS)
        places = {
            item["metadata"]["namespace"]
            for item in (found or {"items": []})["items"]
            if (block := Block.read(item["spec"]["predictor"]))
            and block.version.spec.name == name
        }
        if len(places) > 1:
            raise ConfigError(
                f"service {name!r} is in the namespaces {', '.join(sorted(places))}; "
                "set kserve.namespace"
            )
        return str(places.pop()) if places else self._own_namespace

    def _list(self) -> list[Any]:
        """Return our services of the namespace, or of all if none is set."""
        if self._settings.namespace is None:
            found = self.api.visible(f"{SERVICES}/{KIND}", labelSelector=OURS)
            if found is not None:
                return list(found["items"])
        where = self._own_namespace
        path = f"{SERVICES}/namespaces/{where}/{KIND}"
        return list(self.api.get(path, labelSelector=OURS)["items"])

    @cached_property
    def _own_namespace(self) -> str:
        return connection.namespace(self._settings)
