"""Brings the error of a pipeline step back to whoever asked for the training.

A step runs in another process or another machine, and Kubeflow only says that it
failed. The step leaves its error in the object store, under the run key.
"""

import json
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_common import errors
from mlops_common.errors import MlopsError, NotFoundError, RefusedError
from mlops_common.objects.base import ObjectStore

KINDS: dict[str, type[MlopsError]] = {
    kind.__name__: kind
    for kind in (
        errors.ConfigError,
        errors.NotFoundError,
        errors.ContractError,
        errors.RefusedError,
        errors.BackendError,
    )
}


@contextmanager
def reported(objects: ObjectStore, run_key: str) -> Iterator[None]:
    """Leave an error of ours in the store, and let it end the step."""
    try:
        yield
    except MlopsError as error:
        kind = next(name for name, kind in KINDS.items() if isinstance(error, kind))
        evidence = error.evidence if isinstance(error, RefusedError) else {}
        said = {"kind": kind, "message": str(error), "evidence": evidence}
        objects.put(_key(run_key), json.dumps(said, default=str).encode())
        raise


def clear(objects: ObjectStore, run_key: str) -> None:
    """Forget the error of an earlier try."""
    objects.delete(_key(run_key))


def taken(objects: ObjectStore, run_key: str) -> MlopsError | None:
    """Return the error that a step left, if any, and forget it."""
    try:
        with objects.open(_key(run_key)) as stream:
            said = json.loads(stream.read())
    except NotFoundError:
        return None
    clear(objects, run_key)
    if said["kind"] == RefusedError.__name__:
        return RefusedError(said["message"], said["evidence"])
    return KINDS[said["kind"]](said["message"])


def _key(run_key: str) -> str:
    return f"training/{run_key}/error.json"
