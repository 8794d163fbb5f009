"""The logs of the model servers of a service."""

import os
import signal
from pathlib import Path

from mlops_common.log_files import LIMIT, older
from mlops_common.processes import wait_until
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.testing.serving import SERVICE, spec

PATIENCE = 60.0  # seconds


def test_the_log_of_a_version_that_grew_is_begun_anew_while_it_is_written(
    serving: LocalServing, models: Path
) -> None:
    serving.stage(spec(models, 1))
    folder = ServiceFolder(serving.root / SERVICE)
    number, status = folder.desired().staged, folder.status()
    assert number is not None
    assert status is not None
    server, log = status.revisions[number].pid, folder.log(number)
    assert server is not None
    started = log.read_text("utf-8")
    os.truncate(log, LIMIT + 1)

    assert wait_until(lambda: log.stat().st_size == 0, PATIENCE)
    os.kill(server, signal.SIGTERM)

    def ended() -> bool:
        return f"Finished server process [{server}]" in log.read_text("utf-8")

    assert wait_until(ended, PATIENCE)
    assert "\0" not in log.read_text("utf-8")
    assert older(log).read_text("utf-8").startswith(started)
