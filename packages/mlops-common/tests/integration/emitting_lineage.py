"""A program that emits lineage, for the tests that end it: `URL HOME COUNT END`."""

import os
import signal
import sys
import time
from pathlib import Path

from mlops_common.bootstrap import Platform
from mlops_common.sections import LineageSettings
from mlops_common.settings import Settings
from mlops_common.testing.lineage import an_observation


def main(url: str, home: str, numbers: range, end: str) -> None:
    """Emit the ends of some runs, then end as it is told."""
    settings = LineageSettings(url=url, embedded=False, timeout=2)
    lineage = Platform(Settings(home=Path(home), lineage=settings)).lineage
    assert lineage is not None
    for number in numbers:
        lineage.emit(an_observation(number))
    sys.stdout.write("emitted\n")
    sys.stdout.flush()
    if end == "killed":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "forked":
        child = os.fork()
        if child == 0:
            lineage.emit(an_observation(numbers.stop))
            sys.exit(0)
        os.waitpid(child, 0)
    if end == "lingering":
        time.sleep(60)


if __name__ == "__main__":
    main(
        sys.argv[1], sys.argv[2], range(*map(int, sys.argv[3].split(":"))), sys.argv[4]
    )
