"""The InferenceServices of one service: read, changed and deleted on the cluster."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mlops_common.errors import RefusedError
from mlops_common.serving.kserve.api import Api, ConflictError
from mlops_common.serving.kserve.manifest import Manifest, Target, manifests, read
from mlops_common.serving.kserve.modes import SERVICES
from mlops_common.serving.kserve.rollout import Rollout

TRIES = 20  # writes between which the controller may write its status


@dataclass(frozen=True, slots=True)
class State:
    """What the cluster holds of a service.

    Attributes:
        service: The InferenceService, if there is one.
        sibling: The one that holds a staged version beside it.
        rollout: The versions that they tell.
    """

    service: Any
    sibling: Any
    rollout: Rollout


class ServiceResource:
    """One service on a cluster.

    Args:
        api: The cluster.
        target: What it is and where.
    """

    def __init__(self, api: Api, target: Target) -> None:
        self._api = api
        self.target = target

    def state(self) -> State:
        """Return what the cluster holds.

        Raises:
            ContractError: The annotations were altered.
        """
        service = self._api.find(self._path(self.target.name))
        sibling = None
        if self.target.style == "sibling":
            sibling = self._api.find(self._path(self.target.sibling))
        return State(service, sibling, read(service, sibling))

    def change(self, changed: Callable[[Rollout], Rollout]) -> State:
        """Change the versions, of what is there at this moment.

        Args:
            changed: Given the rollout, returns the wanted one, or raises.

        Returns:
            What there was before.

        Raises:
            RefusedError: Another manager owns a field that differs, or changes the
                service again and again.
            ContractError: The cluster does not take the manifest.
        """
        for _ in range(TRIES):
            state = self.state()
            wanted = changed(state.rollout)
            try:
                self._apply(state, manifests(wanted, self.target))
            except ConflictError:
                continue
            return state
        raise RefusedError(
            f"the service {self.target.name!r} in {self.target.namespace!r} is changed "
            "by others all the time; let only one deploy it"
        )

    def delete(self) -> None:
        """Delete everything; absent is no error."""
        for name in self._names():
            self._api.delete(self._path(name))

    def _apply(self, state: State, documents: list[Manifest]) -> None:
        found = {self.target.name: state.service, self.target.sibling: state.sibling}
        for document in documents:
            name = document["metadata"]["name"]
            before = found[name]
            if before is not None:
                version = before["metadata"]["resourceVersion"]
                document["metadata"]["resourceVersion"] = version
            self._api.apply(self._path(name), document)
        kept = {document["metadata"]["name"] for document in documents}
        for name in self._names():
            if name not in kept and found[name] is not None:
                self._api.delete(self._path(name))

    def _names(self) -> list[str]:
        beside = [self.target.sibling] if self.target.style == "sibling" else []
        return [self.target.name, *beside]

    def _path(self, name: str) -> str:
        return f"{SERVICES}/namespaces/{self.target.namespace}/inferenceservices/{name}"
