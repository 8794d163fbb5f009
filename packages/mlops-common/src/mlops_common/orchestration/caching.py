"""Finished steps are skipped: what a step returned is kept under its content.

The key is the step, its inputs as JSON, and the code of its package and of this one.
What was kept is believed only while the step's own `holds` says that all it refers to
is still there and still so. Values lie as JSON below the home folder, so that whoever
resets the home starts over.
"""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prefect.cache_policies import CachePolicy
from prefect.context import TaskRunContext
from pydantic_core import to_json

from mlops_common.config import load
from mlops_common.errors import MlopsError
from mlops_common.logger import get_logger
from mlops_common.orchestration.lineage import kept
from mlops_common.orchestration.lineage.prefect_runs import tell_skipped
from mlops_common.progress import step
from mlops_common.provenance import package_digest

log = get_logger(__name__)


@dataclass
class ByContent(CachePolicy):
    """Finds what a step returned for the same content, while that still holds.

    Attributes:
        holds: Called with what the step returned, and its inputs by name.
    """

    holds: Callable[..., bool] | None = None

    def compute_key(
        self,
        task_ctx: TaskRunContext,
        inputs: dict[str, Any],
        flow_parameters: dict[str, Any],  # noqa: ARG002 - what a step gets is enough
        **_others: Any,
    ) -> str:
        """Return the key of the content, after what does not hold was forgotten."""
        key = content_key(task_ctx.task.fn, inputs)
        result = results_folder() / key
        if result.exists():
            if self._believed(task_ctx, key, inputs):
                log.info("%s is skipped: it was done, and holds", task_ctx.task.name)
                with step(f"Skip {task_ctx.task.name}, which was done"):
                    tell_skipped(task_ctx.task.fn, key)
            else:
                result.unlink(missing_ok=True)
                kept.forget(key)
        return key

    def _believed(
        self, task_ctx: TaskRunContext, key: str, inputs: dict[str, Any]
    ) -> bool:
        try:
            result = task_ctx.result_store.read(key).result
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the file
            log.warning("cannot read the kept result %s: %s", key, error)
            return False
        try:
            return self.holds is None or self.holds(result, **inputs)
        except MlopsError as error:
            log.info("the kept result %s does not hold: %s", key, error)
            return False


def content_key(function: Callable[..., Any], inputs: dict[str, Any]) -> str:
    """Return the file name of a step's result: its name and a digest of the content.

    Raises:
        PydanticSerializationError: An input is no value that JSON can hold.
    """
    code = [package_digest(name) for name in (function.__module__, __name__)]
    place = f"{function.__module__}:{function.__qualname__}"
    digest = hashlib.sha256(to_json([place, code, inputs])).hexdigest()
    return f"{function.__name__}/{digest[:32]}.json"


def results_folder() -> Path:
    """Return the folder of what finished steps returned, in the home of now."""
    return load().settings.home / "prefect" / "results"
