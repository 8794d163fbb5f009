"""Make a second version, each time killed at a later step, then make it in peace.

Prints a JSON list: of each kill the event that it hit and what the next run found.
DVC is imported once, and every run is a fork.
"""

import itertools
import json
import os
import shutil
import signal
import sys
from pathlib import Path
from typing import Any

import dvc.api
import dvc.repo  # noqa: F401 - paid for once, before the forks

from mlops_common.datasets import Datasets
from mlops_common.objects.local import LocalObjectStore
from mlops_common.refs import DatasetRef

CHANGES = {"os.rename", "os.link", "os.remove", "os.chmod", "os.mkdir"}


def datasets_in(home: Path) -> Datasets:
    return Datasets(LocalObjectStore(home / "objects"), home / "datasets")


def changes_something(event: str, args: tuple[Any, ...]) -> bool:
    """Whether an event of the interpreter is a step that a kill may cut off."""
    if event == "open":
        return bool(set(str(args[1])) & set("wax+"))
    return event in CHANGES or event == "subprocess.Popen"


def kill_at(step: int, events: Path) -> None:
    """Kill this process just before its step number `step`, from 1."""
    count = itertools.count(1)

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if changes_something(event, args) and next(count) == step:
            os.write(record, f"{event} {args!r:.150}".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    record = os.open(events, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    sys.addaudithook(hook)


def version_killed_at(step: int, home: Path, ref: DatasetRef) -> bool:
    """Version `ref` in a fork that dies at `step`; return whether it did."""
    child = os.fork()
    if child == 0:
        kill_at(step, home / "event")
        datasets_in(home).version(ref)
        os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main(base: Path, stride: int) -> None:
    refs = [DatasetRef.model_validate_json(line) for line in sys.stdin]
    found = []
    for step in itertools.count(1, stride):
        home = base.with_name(f"home-{step}")
        shutil.copytree(base, home)
        if not version_killed_at(step, home, refs[-1]):
            break
        datasets = datasets_in(home)
        left = datasets.revisions("customers")
        again = datasets.version(refs[-1])
        with datasets.repository.reading(again) as stream:
            whole = stream.read() == datasets.path(again).read_bytes()
        found.append(
            {
                "event": (home / "event").read_text(),
                "left": left,
                "revision": again.revision,
                "revisions": datasets.revisions("customers"),
                "first": datasets.revision("customers", "v1").digest,
                "whole": whole,
                "strays": [str(path) for path in home.rglob(".*.tmp")],
            }
        )
        shutil.rmtree(home)
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
