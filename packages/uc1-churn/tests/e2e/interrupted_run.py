"""`mlops run uc1`, interrupted between two of its tasks.

    python interrupted_run.py kill NAME_OF_TASK [options of mlops run uc1]
    python interrupted_run.py fill=FOLDER NAME_OF_TASK [options of mlops run uc1]

Right after the task returned, the run kills itself, as `kill -9` does, or fills the
disk of a folder and goes on.
"""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from mlops_common import cli
from mlops_common.orchestration.server.session import quiet

BLOCK = b"\0" * (1 << 16)
FILLER = "filler"


def kill() -> None:
    """End this process at once."""
    os.kill(os.getpid(), signal.SIGKILL)


def fill(folder: Path) -> None:
    """Write a file until the disk is full."""
    with (folder / FILLER).open("ab", buffering=0) as file:
        try:
            while file.write(BLOCK):
                pass
        except OSError:
            return


def followed(task: Any, action: Callable[[], None]) -> Callable[..., Any]:
    """Return a task after which something happens."""

    def run(*args: Any, **options: Any) -> Any:
        result = task(*args, **options)
        action()
        return result

    return run


def main(what: str, name: str, options: list[str]) -> None:
    quiet()
    from uc1_churn.flows import churn_pipeline

    verb, _, folder = what.partition("=")
    action = kill if verb == "kill" else lambda: fill(Path(folder))
    task = getattr(churn_pipeline, name)
    setattr(churn_pipeline, name, followed(task, action))
    cli.main(["run", "uc1", *options])


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
