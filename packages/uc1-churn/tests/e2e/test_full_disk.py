"""A home on a small disk that fills up, before a run and in the middle of one."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.config import load
from mlops_common.home import reset
from mlops_common.testing.command import Said, mlops, python
from mlops_common.testing.postgres import small_disk, temporary_home

DISK = 700  # MB
DRIVER = Path(__file__).with_name("interrupted_run.py")
FILLER = "filler"
QUICKLY = ("--set", "training.bootstrap_replicates=100")
TOLERANT = ("--set", "gate.tolerance=1")
OLDER = "UPDATE customers SET age = age + 1 WHERE customer_id %% 50 = %s"


class SmallHome:
    """A home on a disk of its own, where a champion serves."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self.variables = variables
        settings = load(environ=variables).settings
        self.platform = Platform(settings)
        self.result: dict[str, Any] = {}

    def mlops(self, *words: str) -> Said:
        return mlops(*words, variables=self.variables, folder=self.folder)

    def run(self) -> Said:
        return self.mlops("run", "uc1", *QUICKLY, *TOLERANT)

    def change(self, share: int) -> None:
        """Change some customers, so that a run has something to store."""
        with self.platform.postgres.connect() as connection:
            connection.execute(OLDER, (share,))

    def fill(self, *, left: int) -> None:
        stat = os.statvfs(self.folder)
        with (self.folder / FILLER).open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, stat.f_bavail * stat.f_frsize - left)

    def free(self) -> None:
        (self.folder / FILLER).unlink()

    def serves(self) -> bool:
        """Whether the champion answers a request."""
        endpoint = self.result["endpoint"]
        url = f"{endpoint['url']}/v1/models/{endpoint['name']}:predict"
        data = self.result["curl"].partition("-d '")[2].rstrip("'").encode()
        with urlopen(Request(url, data=data), timeout=60) as answer:  # noqa: S310 - loopback
            return bool(0 < json.load(answer)["predictions"][0] < 1)

    def approved(self) -> str | None:
        return self.platform.datasets.revision("customers").revision


@pytest.fixture(scope="module")
def home() -> Iterator[SmallHome]:
    with temporary_home() as folder, small_disk(folder, DISK):
        variables = {"MLOPS_HOME": str(folder / "home"), "PREFECT_HOME": str(folder)}
        small = SmallHome(folder, variables)
        try:
            said = small.mlops("demo", "--customers=500", "--months=4", "--json")
            assert said.code == 0, said.err
            small.result = json.loads(said.out)
            yield small
        finally:
            reset(small.platform)


def test_a_full_disk_is_told_before_a_run_begins(home: SmallHome) -> None:
    home.change(1)
    before = home.approved()
    home.fill(left=20 << 20)
    try:
        said = home.run()
        answered = home.serves()
    finally:
        home.free()

    assert said.code == 5
    assert said.err.startswith("BackendError\nthe disk of ")
    assert "free some space, or point MLOPS_HOME at another disk" in said.err
    assert answered
    assert home.approved() == before


@pytest.mark.parametrize("task", ["version_with_dvc", "trigger_kubeflow_training"])
def test_a_disk_that_fills_during_a_run_does_no_damage(
    home: SmallHome, task: str
) -> None:
    before = home.approved()
    try:
        said = python(
            *(str(DRIVER), f"fill={home.folder}", task, *QUICKLY, *TOLERANT),
            variables=home.variables,
            folder=home.folder,
        )
        answered = home.serves()
    finally:
        home.free()

    assert said.code == 5, said.err
    assert "BackendError" in said.err
    assert "free some space" in said.err
    assert "MLOPS_HOME" in said.err
    assert "Traceback" not in said.err
    assert "mistake in mlops" not in said.err
    assert answered
    assert home.approved() in (before, "customers@v2")
    assert home.serves()


def test_a_run_works_once_there_is_room_again(home: SmallHome) -> None:
    said = home.run()

    assert said.code == 0, said.err
    assert home.approved() == "customers@v2"
    assert home.serves()
