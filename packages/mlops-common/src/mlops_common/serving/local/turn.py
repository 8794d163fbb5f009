"""Whose turn it is to deploy a service."""

import os
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_common.errors import RefusedError
from mlops_common.serving.local.state import ServiceFolder


@contextmanager
def deploying(service: ServiceFolder) -> Iterator[None]:
    """Have the turn for one step of a deploy.

    Raises:
        RefusedError: Another process has it.
    """
    with service.deploying() as ours:
        if not ours:
            raise RefusedError(
                f"another deploy of service {service.path.name!r} is going on; "
                "wait until it is done"
            )
        yield


def check_owner(service: ServiceFolder) -> None:
    """Let a living process finish its deploy.

    Raises:
        RefusedError: Another process staged a version and did not promote it yet.
    """
    desired = service.desired()
    owner = desired.owner
    if desired.staged is None or owner is None or owner.pid == os.getpid():
        return
    if owner.alive():
        version = service.spec(desired.staged).model.version
        raise RefusedError(
            f"process {owner.pid} is deploying version {version} of service "
            f"{service.path.name!r}; wait for it, or discard what it staged",
            {"service": service.path.name, "pid": owner.pid, "version": version},
        )
