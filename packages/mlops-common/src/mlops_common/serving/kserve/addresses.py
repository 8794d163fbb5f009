"""The URLs at which a service's versions answer."""

from dataclasses import dataclass

from mlops_common.errors import BackendError, ConfigError
from mlops_common.refs import EndpointRef
from mlops_common.serving.kserve.manifest import Target
from mlops_common.serving.kserve.resource import State
from mlops_common.serving.kserve.rollout import Version
from mlops_common.serving.kserve.status import traffic

INSIDE = "http://{name}.{namespace}.svc.cluster.local"
TAG = "latest"  # KServe's name of the newest revision in URLs


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a service answers.

    Attributes:
        target: The service.
        template: How to reach a service from here, with `{name}` and `{namespace}`;
            empty for the URLs that the cluster tells. A staged version is reached in
            the same way, by the name of its Kubernetes Service.
    """

    target: Target
    template: str = ""

    def stable(self, state: State, version: Version) -> EndpointRef:
        """Return the promoted version at the URL that stays.

        Raises:
            BackendError: The cluster tells none.
        """
        told = (state.service.get("status") or {}).get("url", "")
        return self._reference(version, self.target.name, told)

    def staged(self, state: State, version: Version) -> EndpointRef:
        """Return the staged version at its private URL.

        Raises:
            BackendError: The cluster tells none.
        """
        if self.target.style == "canary":
            name = self.target.workload(version, staged=True)
            told = INSIDE.format(name=name, namespace=self.target.namespace)
        elif self.target.style == "sibling":
            name = self.target.sibling
            told = (state.sibling.get("status") or {}).get("url", "")
        else:
            name = f"{TAG}-{self.target.workload(version, staged=True)}"
            told = _tagged(state)
        return self._reference(version, name, told)

    def _reference(self, version: Version, name: str, told: str) -> EndpointRef:
        url = self._filled(name) if self.template else told
        if not url:
            raise BackendError(
                f"service {self.target.name!r} in {self.target.namespace!r} is ready "
                "but has no URL; set kserve.url to how it is reached from here"
            )
        model = version.spec.model
        return EndpointRef(name=self.target.name, url=url.rstrip("/"), model=model)

    def _filled(self, name: str) -> str:
        try:
            return self.template.format(name=name, namespace=self.target.namespace)
        except (KeyError, IndexError, ValueError) as error:
            raise ConfigError(
                "kserve.url takes {name} and {namespace}, as in "
                f"{INSIDE}; found {self.template!r}"
            ) from error


def _tagged(state: State) -> str:
    """Return the URL of the newest revision; the service's own, if it has no other."""
    for target in traffic(state.service):
        if target.get("tag") == TAG and target.get("url"):
            return str(target["url"])
    return str((state.service.get("status") or {}).get("url", ""))
