"""What a step told, kept beside its result, so that a later run can skip it and tell.

Each file lies below the home folder, under the key of the result.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlops_common.config import load
from mlops_common.files import replacing
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.recording import Recording
from mlops_common.lineage.statement import Statement
from mlops_common.refs import Ref


class Kept(Ref):
    """What was said in a run, as JSON holds it.

    Attributes:
        inputs: Datasets that were read.
        outputs: Datasets that were written.
        statements: Statements of SQL.
        facets: What was noted of the run.
    """

    inputs: tuple[Dataset, ...] = ()
    outputs: tuple[Dataset, ...] = ()
    statements: tuple[Statement, ...] = ()
    facets: Mapping[str, Any] = {}


def keep(key: str, said: Recording) -> None:
    """Keep what was said in the run whose result has a key.

    Raises:
        BackendError: The disk is full, or the folder cannot be written.
    """
    found = Kept(
        inputs=said.inputs,
        outputs=said.outputs,
        statements=said.statements,
        facets=said.facets,
    )
    with replacing(_file(key), flush=False) as partial:
        partial.write_text(found.model_dump_json(exclude_defaults=True), "utf-8")


def said(key: str) -> Recording:
    """Return what was said in the run whose result has a key; nothing if unknown.

    Raises:
        ValueError: The file is torn.
    """
    recording = Recording()
    file = _file(key)
    if not file.is_file():
        return recording
    found = Kept.model_validate_json(file.read_text("utf-8"))
    for dataset in found.inputs:
        recording.read(dataset)
    for dataset in found.outputs:
        recording.write(dataset)
    for statement in found.statements:
        recording.execute(statement)
    for name, value in found.facets.items():
        recording.note(name, value)
    return recording


def forget(key: str) -> None:
    """Forget what was said: the result does not hold any more."""
    _file(key).unlink(missing_ok=True)


def _file(key: str) -> Path:
    return load().settings.home / "prefect" / "lineage" / key
