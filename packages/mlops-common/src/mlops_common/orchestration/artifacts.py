"""What a run shows in Prefect: pages, tables and progress, each under a stable key.

Evidence lives in the object store and in the tracking store; this is what links to it.
Nothing here fails a run: an artifact that cannot be written is a warning in its log.
"""

import json
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from prefect.client.schemas.actions import ArtifactCreate, ArtifactUpdate
from prefect.context import SyncClientContext
from prefect.utilities.context import get_task_and_flow_run_ids

from mlops_common.logger import get_logger
from mlops_common.params import masked

log = get_logger(__name__)


def markdown(key: str, text: str, *, run: UUID | None = None) -> None:
    """Show a page of Markdown, with the passwords of its URLs hidden.

    Args:
        key: Such as `churn-predictor-summary`, the same in each run.
        text: The page.
        run: Flow run to show it with; the one at hand when omitted.
    """
    _write("markdown", key, masked(text), run)


def table(key: str, rows: Sequence[Mapping[str, Any]]) -> None:
    """Show rows of named values; what is no number is left empty."""
    finite = [{name: _shown(value) for name, value in row.items()} for row in rows]
    _write("table", key, json.dumps(finite, default=str), None)


class Progress:
    """A bar from 0 to 100 that grows.

    Args:
        key: As of `markdown`.
        description: What grows, for a person.
    """

    def __init__(self, key: str, description: str) -> None:
        self._id = _write("progress", key, 0.0, None, description)

    def show(self, share: float) -> None:
        """Show the share that is done, from 0 to 1."""
        if self._id is None:
            return
        percent = round(100 * min(max(share, 0.0), 1.0), 1)
        try:
            with SyncClientContext.get_or_create() as context:
                context.client.update_artifact(self._id, ArtifactUpdate(data=percent))
        except Exception as error:  # noqa: BLE001 - no run fails for what it shows
            self._id = None
            _warn("progress", error)


def slug(text: str) -> str:
    """Return a key of lowercase letters, digits and dashes.

    Examples:
        >>> slug("UC1: Churn Prediction Pipeline")
        'uc1-churn-prediction-pipeline'
    """
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


def _write(
    kind: str, key: str, data: Any, run: UUID | None, description: str | None = None
) -> UUID | None:
    """Write an artifact of the run at hand; return its id, or nothing where it fails.

    Outside of a run nothing is written.
    """
    task_run, flow_run = get_task_and_flow_run_ids()
    if not (task_run or flow_run or run):
        return None
    try:
        with SyncClientContext.get_or_create() as context:
            written = context.client.create_artifact(
                ArtifactCreate(
                    type=kind,
                    key=slug(key),
                    description=description,
                    data=data,
                    flow_run_id=run or flow_run,
                    task_run_id=None if run else task_run,
                )
            )
    except Exception as error:  # noqa: BLE001 - no run fails for what it shows
        _warn(key, error)
        return None
    return written.id


def _warn(key: str, error: Exception) -> None:
    reason = masked(str(error).partition("\n")[0]) or type(error).__name__
    log.warning("cannot write the artifact %s: %s", key, reason)


def _shown(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
