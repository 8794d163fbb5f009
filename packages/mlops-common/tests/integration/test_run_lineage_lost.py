"""What is told of runs that are stopped, or killed with their last words unsaid."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.processes import wait_until
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.testing.run_lineage import (
    PATIENCE,
    names,
    states,
    told,
    told_states,
)

pytestmark = PREFECT_CLIENT
STOPPED = """
import sys, time
from pathlib import Path
from mlops_common.bootstrap import connect
from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.naming import stored
from mlops_common.lineage.recording import reads
from mlops_common.orchestration.server.session import orchestrated

with orchestrated(connect()):
    from mlops_common.orchestration.flows import flow
    from mlops_common.orchestration.tasks import MINUTE, task

    @task(timeout=5 * MINUTE)
    def wait_long():
        reads(Dataset(name=stored("/data/orders.csv")))
        Path(sys.argv[2]).touch()
        time.sleep(300)

    def pipeline():
        wait_long()

    pipeline.__name__ = sys.argv[1]
    flow("UC0: " + sys.argv[1])(pipeline)()
"""


@contextmanager
def waiting(name: str, folder: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A process whose flow is in the middle of a step."""
    mark = folder / name
    words = [sys.executable, "-c", STOPPED, name, str(mark)]
    with subprocess.Popen(words, stderr=subprocess.PIPE) as process:
        try:
            assert wait_until(mark.exists, PATIENCE)
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_run_that_is_stopped_is_aborted_with_its_step(
    platform: Platform, tmp_path: Path, number: signal.Signals
) -> None:
    name = f"stopped_by_{number.name.lower()}"
    with waiting(name, tmp_path) as process:
        os.kill(process.pid, number)
        process.communicate(timeout=PATIENCE)

    assert process.returncode != 0
    for job in (name, f"{name}.wait_long"):
        # What another process said is told by either, by and by.
        assert wait_until(lambda: len(told(platform, job)) > 1, PATIENCE)  # noqa: B023
        events = told(platform, job)
        assert states(events) == ["START", "ABORT"]
        message = events[1]["run"]["facets"]["errorMessage"]["message"]
        assert re.fullmatch(rf"stopped by .*\b{number.name}\b.*", message)
    assert names(events[1], "inputs") == ["/data/orders.csv"]


def test_a_run_that_was_killed_is_aborted_later_and_one_that_lives_is_not(
    platform: Platform, tmp_path: Path
) -> None:
    from mlops_common.orchestration.lineage.lost import end_lost

    now = timedelta()
    with waiting("living", tmp_path), waiting("killed", tmp_path) as killed:
        killed.kill()
        killed.communicate(timeout=PATIENCE)
        both = {"killed": "RUNNING", "killed.wait_long": "RUNNING"}
        assert wait_until(lambda: told_states(platform, "killed%") == both, PATIENCE)
        assert end_lost(platform) == ()

        ended = end_lost(platform, now)

        after = told_states(platform, "killed%")
        assert after == {"killed": "ABORTED", "killed.wait_long": "ABORTED"}
        [_, end] = told(platform, "killed")
        assert ended[0] == end["run"]["runId"]
        assert end_lost(platform, now) == ()
        assert {*told_states(platform, "living%").values()} == {"RUNNING"}


MOVED = """
UPDATE lineage.run_facets SET facet = jsonb_set(facet, %s, to_jsonb(%s::text))
WHERE name = 'mlops_process'
    AND run_id = (SELECT run_id FROM lineage.events WHERE job_name = %s LIMIT 1)
"""


@pytest.mark.parametrize("key", ["host", "home"])
def test_a_silent_run_of_another_machine_or_home_is_left_alone(
    platform: Platform, tmp_path: Path, key: str
) -> None:
    from mlops_common.orchestration.lineage.lost import end_lost

    name = f"another_{key}"
    with waiting(name, tmp_path) as killed:
        killed.kill()
        killed.communicate(timeout=PATIENCE)
    both = {name: "RUNNING", f"{name}.wait_long": "RUNNING"}
    assert wait_until(lambda: told_states(platform, f"{name}%") == both, PATIENCE)
    with platform.lineage_store.connect() as connection:
        connection.execute(MOVED, ([key], "elsewhere", name))

    end_lost(platform, timedelta())

    assert told_states(platform, f"{name}%") == both
