"""Brings the outcome of a training run back to whoever asked for it.

The steps run in other processes or on other machines, and Kubeflow only says that one
failed. They leave the version that they registered, or their error, in the object
store under the run key. Once the version has served or was refused, the run key is
finished, and the next run of the same content gets another.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from mlops_common import errors
from mlops_common.errors import MlopsError, NotFoundError, RefusedError
from mlops_common.logger import get_logger
from mlops_common.objects.base import ObjectStore
from mlops_common.refs import ModelRef

MODEL, ERROR, FINISHED = "model.json", "error.json", "finished"
FACTS = "facts.json"
log = get_logger(__name__)
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
    except MlopsError as problem:
        kind = next(name for name, kind in KINDS.items() if isinstance(problem, kind))
        evidence = problem.evidence if isinstance(problem, RefusedError) else {}
        said = {"kind": kind, "message": str(problem), "evidence": evidence}
        objects.put(_key(run_key, ERROR), json.dumps(said, default=str).encode())
        raise


def keep(objects: ObjectStore, run_key: str, model: ModelRef) -> None:
    """Leave the version that the run registered."""
    objects.put(_key(run_key, MODEL), model.model_dump_json().encode())


def kept(objects: ObjectStore, run_key: str) -> ModelRef | None:
    """Return the version that a run of this key registered, if any."""
    text = _read(objects, _key(run_key, MODEL))
    return None if text is None else ModelRef.model_validate_json(text)


def keep_facts(objects: ObjectStore, run_key: str, facts: Mapping[str, Any]) -> None:
    """Leave what is told of the version that the run registers.

    Args:
        objects: Where to.
        run_key: Of the run.
        facts: What JSON holds, by name.
    """
    try:
        objects.put(_key(run_key, FACTS), json.dumps(facts, default=str).encode())
    except MlopsError as problem:  # no training fails for what is told of it
        log.warning("part of the lineage stays unknown: %s", problem)


def facts(objects: ObjectStore, run_key: str) -> dict[str, Any]:
    """Return what is told of the version that a run of this key registered."""
    text = _read(objects, _key(run_key, FACTS))
    return {} if text is None else dict(json.loads(text))


def forget_error(objects: ObjectStore, run_key: str) -> None:
    """Forget the error of an earlier try."""
    objects.delete(_key(run_key, ERROR))


def error(objects: ObjectStore, run_key: str) -> MlopsError | None:
    """Return the error that a step of the last try left, if any."""
    text = _read(objects, _key(run_key, ERROR))
    if text is None:
        return None
    said = json.loads(text)
    if said["kind"] == RefusedError.__name__:
        return RefusedError(said["message"], said["evidence"])
    return KINDS[said["kind"]](said["message"])


def finish(objects: ObjectStore, run_key: str) -> None:
    """Say that the version of this key needs nothing more: it serves, or may not."""
    objects.put(_key(run_key, FINISHED), b"")


def finished(objects: ObjectStore, run_key: str) -> bool:
    """Whether the version of this run key needs nothing more."""
    return _read(objects, _key(run_key, FINISHED)) is not None


def _read(objects: ObjectStore, key: str) -> bytes | None:
    try:
        with objects.open(key) as stream:
            return stream.read()
    except NotFoundError:
        return None


def _key(run_key: str, name: str) -> str:
    return f"training/{run_key}/{name}"
