from pathlib import Path

import pytest

from mlops_common.objects.local import LocalObjectStore
from mlops_common.progress import listening, step
from uc1_churn.training_backend import advancement
from uc1_churn.training_backend.advancement import PARTS, ToldSteps, told

KEY = "churn-ab12-1"


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path / "objects")


def test_the_parts_of_a_training_add_up_to_the_whole(objects: LocalObjectStore) -> None:
    shares = [told(objects, KEY)]
    with listening(ToldSteps(objects, KEY)):
        for part in PARTS:
            with step(part, total=2) as advance:
                advance(1)
                advance(1)
            shares.append(told(objects, KEY))

    assert shares == pytest.approx([0, 1 / 3, 2 / 3, 1], abs=0.001)


def test_other_work_of_the_process_tells_nothing(objects: LocalObjectStore) -> None:
    with listening(ToldSteps(objects, KEY)), step("Download", total=2) as advance:
        advance(1)

    assert told(objects, KEY) == 0


def test_what_an_earlier_try_told_is_forgotten(objects: LocalObjectStore) -> None:
    with listening(ToldSteps(objects, KEY)), step(PARTS[-1], total=1) as advance:
        advance(1)
    advancement.forget(objects, KEY)

    assert told(objects, KEY) == 0


def test_a_store_that_cannot_be_written_ends_no_training(tmp_path: Path) -> None:
    (tmp_path / "objects").touch()
    broken = LocalObjectStore(tmp_path / "objects")

    with listening(ToldSteps(broken, KEY)), step(PARTS[0], total=1) as advance:
        advance(1)
