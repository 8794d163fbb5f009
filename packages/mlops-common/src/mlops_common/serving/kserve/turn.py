"""Whose turn it is to deploy a service: a Kubernetes Lease with the service's name."""

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from mlops_common.errors import MlopsError, RefusedError
from mlops_common.processes import Identity
from mlops_common.serving.kserve.api import Api, ConflictError

LEASES = "/apis/coordination.k8s.io/v1/namespaces/{}/leases"
PREFIX = "mlops-"
INSTANT = "%Y-%m-%dT%H:%M:%S.%fZ"


class Turn:
    """The turn to deploy one service.

    It is taken before a version is staged and given up when that one is promoted or
    gone. It ends by itself, so that no dead process keeps it.

    Args:
        api: The cluster.
        namespace: Of the service.
        service: Name of the service.
        holder: Who takes it: this process, unless said otherwise.
        seconds: How long it lasts unless it is taken again.
    """

    def __init__(
        self, api: Api, namespace: str, service: str, holder: str, seconds: float
    ) -> None:
        self._api = api
        self._leases = LEASES.format(namespace)
        self._name = PREFIX + service
        self._path = f"{self._leases}/{self._name}"
        self._service = service
        self._holder = holder
        self._seconds = int(seconds)

    def __enter__(self) -> Self:
        self.take()
        return self

    def __exit__(self, *exception: object) -> None:
        # A server that is away ends the turn as well, only later.
        with suppress(MlopsError):
            self.give_up()

    def take(self) -> None:
        """Take the turn, or take it anew.

        Raises:
            RefusedError: Another process has it.
        """
        lease = self._api.find(self._path)
        try:
            if lease is None:
                self._api.create(self._leases, self._lease())
                return
            self._check(lease["spec"])
            wanted = self._lease()
            wanted["metadata"]["resourceVersion"] = lease["metadata"]["resourceVersion"]
            self._api.replace(self._path, wanted)
        except ConflictError as error:
            # The answer to our own first try may have been lost.
            found = self._api.find(self._path)
            if found is not None and self._is_ours(found):
                return
            raise RefusedError(
                f"another deploy of service {self._service!r} began at this moment; "
                "wait until it is done",
                {"service": self._service},
            ) from error

    def give_up(self) -> None:
        """Leave the turn to others, if it is ours."""
        lease = self._api.find(self._path)
        if lease is not None and self._is_ours(lease):
            with suppress(ConflictError):
                self._api.delete(self._path, lease["metadata"]["resourceVersion"])

    def _is_ours(self, lease: Mapping[str, Any]) -> bool:
        return bool(lease["spec"].get("holderIdentity") == self._holder)

    def _check(self, spec: Mapping[str, Any]) -> None:
        """Let another living process finish its deploy.

        Raises:
            RefusedError: It did not finish yet.
        """
        holder = spec.get("holderIdentity") or self._holder
        ends = _ends(spec)
        if holder == self._holder or ends < _now() or _dead(holder):
            return
        raise RefusedError(
            f"{holder} is deploying service {self._service!r} until {ends:%H:%M:%S} "
            "UTC at most; wait for it, or discard what it staged",
            {"service": self._service, "holder": holder},
        )

    def _lease(self) -> dict[str, Any]:
        return {
            "apiVersion": "coordination.k8s.io/v1",
            "kind": "Lease",
            "metadata": {"name": self._name},
            "spec": {
                "holderIdentity": self._holder,
                "leaseDurationSeconds": self._seconds,
                "renewTime": _now().strftime(INSTANT),
            },
        }


def this_process() -> str:
    """Return the name by which this process holds a turn."""
    process = Identity.of(os.getpid())
    return f"{socket.gethostname()}/{process.pid}/{process.created}"


def _dead(holder: str) -> bool:
    """Tell whether a holder was a process of this machine that has ended."""
    host, _, process = holder.rpartition("/")[0].partition("/")
    created = holder.rpartition("/")[2]
    if host != socket.gethostname():
        return False
    return not Identity(int(process), float(created)).alive()


def _ends(spec: Mapping[str, Any]) -> datetime:
    renewed = datetime.strptime(spec["renewTime"], INSTANT)  # noqa: DTZ007
    seconds = spec.get("leaseDurationSeconds") or 0
    return renewed.replace(tzinfo=UTC) + timedelta(seconds=seconds)


def _now() -> datetime:
    return datetime.now(tz=UTC)
