"""Training on this machine: Kubeflow's local runner in a process of its own.

The runner patches `print` and the root logger, and keeps its settings in a global;
in another process none of that reaches the flow.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import BinaryIO

from mlops_common import locks
from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, ConfigError
from mlops_common.health import Health
from mlops_common.logger import get_logger
from mlops_common.processes import tail, wait_until
from mlops_common.progress import Advance, step
from mlops_common.refs import ModelRef
from uc1_churn.training import openmp
from uc1_churn.training_backend import advancement, outcome
from uc1_churn.training_backend.base import TrainingRequest

REQUEST, LOG, LOCK = "request.json", "log.txt", "lock"
LOOK = 2.0  # seconds between two looks at how far the training is
log = get_logger(__name__)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class LocalTraining:
    """Runs the training pipeline with `kfp.local`.

    Args:
        platform: Where the pipeline reads and registers; its steps connect to the
            same by the home folder and the variables of this process.
    """

    def __init__(self, platform: Platform) -> None:
        self._platform = platform
        self._root = platform.settings.home / "training"

    def health(self) -> Health:
        """Tell that Kubeflow's local runner trains, if its library can be loaded."""
        openmp.require()
        return Health("embedded", "kfp.local", facts=("runs in a process of ours",))

    def train(self, request: TrainingRequest) -> ModelRef:
        """Fit, judge and register a model; see `TrainingBackend`.

        One process at a time trains for a run key, even one whose parent was killed;
        the others wait for it and find its version.

        Raises:
            NotFoundError: The training table is not stored.
            ContractError: The table cannot be learnt from.
            BackendError: A step died, which shows the end of its log, or the disk
                is full.
            ConfigError: The folder of training belongs to somebody else.
        """
        objects, key = self._platform.objects, request.run_key
        with (
            step("Train the model", total=1) as advance,
            _workspace(self._root, key) as (folder, lock),
            _translated(self._root),
        ):
            earlier = outcome.kept(objects, key)
            if earlier is not None:
                return earlier
            outcome.forget_error(objects, key)
            advancement.forget(objects, key)
            (folder / REQUEST).write_text(request.model_dump_json(), "utf-8")
            with _started(folder, lock, self._platform.settings.home) as process:
                status = self._awaited(process, key, advance)
            said = COLOUR.sub("", tail(folder / LOG, 30))
        error = outcome.error(objects, key)
        model = outcome.kept(objects, key)
        if error is not None:
            raise error
        if model is None:
            raise BackendError(
                f"training ended with status {status} and left no model; "
                f"the end of its log:\n{said}"
            )
        return model

    def _awaited(
        self, process: "subprocess.Popen[bytes]", key: str, advance: Advance
    ) -> int:
        """Return the exit status of the training, after following it."""
        seen = 0.0
        while True:
            try:
                return process.wait(LOOK)
            except subprocess.TimeoutExpired:
                now = advancement.told(self._platform.objects, key)
                advance(now - seen)
                seen = now


@contextmanager
def _workspace(root: Path, run_key: str) -> Iterator[tuple[Path, BinaryIO]]:
    """Yield the folder of a run key with its held lock; remove those of killed runs.

    Raises:
        ConfigError: The folder belongs to somebody else.
        BackendError: The disk is full.
    """
    folder = root / f"run-{run_key}"
    with _translated(root):
        root.mkdir(parents=True, exist_ok=True)
        lock = _claimed(root, folder)
        if lock is None:
            log.info("another process trains %s; waiting for it", run_key)
        while lock is None:
            wait_until(lambda: not folder.exists() or not locks.held(folder / LOCK), 1)
            lock = _claimed(root, folder)
    try:
        yield folder, lock
    finally:
        with _sole(root):
            shutil.rmtree(folder, ignore_errors=True)
            lock.close()


def _claimed(root: Path, folder: Path) -> BinaryIO | None:
    """Make the folder and return its held lock, unless a living process has it."""
    with _sole(root):
        for leftover in root.glob("run-*"):
            if not locks.held(leftover / LOCK):
                shutil.rmtree(leftover, ignore_errors=True)
        if folder.exists():
            return None
        folder.mkdir()
        lock = (folder / LOCK).open("ab")
        locks.claim(lock)
        return lock


def _sole(root: Path) -> AbstractContextManager[None]:
    """Let one process at a time make and remove folders."""
    return locks.exclusive(root / ".lock")


@contextmanager
def _translated(root: Path) -> Iterator[None]:
    """Turn errors of the disk below `root` into ours."""
    try:
        yield
    except PermissionError as error:
        raise ConfigError(f"{root} cannot be written: {error.strerror}") from error
    except OSError as error:
        raise BackendError(
            f"cannot train in {root}: {error.strerror or error}; free some space or "
            "point MLOPS_HOME at another disk"
        ) from error


@contextmanager
def _started(
    folder: Path, lock: BinaryIO, home: Path
) -> Iterator["subprocess.Popen[bytes]"]:
    """Run the pipeline over the request in `folder`; it ends with the block."""
    environment = {
        **os.environ,
        "MLOPS_HOME": str(home),
        "TMPDIR": str(folder),
        # Idle threads of LightGBM sleep instead of taking the processor from others.
        "OMP_WAIT_POLICY": "PASSIVE",
    }
    command = [
        sys.executable,
        "-m",
        "uc1_churn.training_backend.local_run",
        str(folder),
    ]
    with (folder / LOG).open("wb") as said:
        # Its own session: its steps end with it, and the lock lives as long as it.
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
            start_new_session=True,
            pass_fds=(lock.fileno(),),
        )
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()
