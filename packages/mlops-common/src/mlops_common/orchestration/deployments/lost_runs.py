"""Marks runs whose process died as crashed, by an automation of Prefect's server."""

import logging
from datetime import timedelta
from importlib.resources import files
from typing import TYPE_CHECKING

import yaml

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.events.schemas.automations import AutomationCore

log = logging.getLogger(__name__)

FILE = "lost_runs.yaml"
BEAT = 30  # seconds between two signs of life, which `prefect.yaml` sets for workers


def watch(client: "SyncPrefectClient", silence: timedelta | None = None) -> None:
    """Let the server mark runs that fall silent as crashed, unless it does.

    Where automations are not ours to make, such runs stay `Running` until somebody
    cancels them; they hinder no other: their slot is free again after five minutes.

    Args:
        client: Of the API.
        silence: After how long; as the file says when omitted.
    """
    from httpx import HTTPStatusError

    wanted = automation(silence)
    try:
        if not client.read_automations_by_name(wanted.name):
            client.create_automation(wanted)
    except HTTPStatusError as error:
        status = error.response.status_code
        log.warning("the API takes no automation (%s): %r", status, wanted.name)


def automation(silence: timedelta | None = None) -> "AutomationCore":
    """Return the automation of the file."""
    from prefect.events.schemas.automations import AutomationCore

    text = (files("mlops_common.orchestration.deployments") / FILE).read_text("utf-8")
    content = yaml.safe_load(text)
    if silence is not None:
        content["trigger"]["within"] = silence.total_seconds()
    return AutomationCore.model_validate(content)
