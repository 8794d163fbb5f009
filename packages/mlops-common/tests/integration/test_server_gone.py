"""Programs that end while Prefect's client has events to tell."""

import pytest

from mlops_common.testing.command import python
from mlops_common.testing.marks import PREFECT_CLIENT

pytestmark = [*PREFECT_CLIENT, pytest.mark.usefixtures("platform")]

LOST = """
from mlops_common.bootstrap import connect
from mlops_common.orchestration.server.draining import drain
from mlops_common.orchestration.server.process import server_process
from mlops_common.orchestration.server.session import orchestrated

platform = connect()
with orchestrated(platform):
    from prefect.events import emit_event

    resource = {"prefect.resource.id": "lost.and.found"}
    emit_event("mlops.first", resource)
    drain()
    for _ in range(100):
        emit_event("mlops.later", resource)
    server_process(platform.settings.home).stop()
    for _ in range(100):
        emit_event("mlops.lost", resource)
"""


def test_a_process_whose_server_is_gone_ends_soon() -> None:
    """Each of the events would be tried for seven seconds and more.

    The server of the other tests is stopped; who needs it next starts it again.
    """
    said = python("-c", LOST)

    assert said.code == 0, said.err
