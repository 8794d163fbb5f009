from pathlib import Path

import pytest

from mlops_common.objects.local import LocalObjectStore
from mlops_common.refs import DatasetRef
from uc1_churn.config import ChurnParams, TrainingParams
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.attempt import run_key
from uc1_churn.training_backend.base import TrainingRequest

TABLE = DatasetRef(name="customers-training", key="k", digest="ab", rows=1)
PARAMS = ChurnParams()


@pytest.fixture
def objects(tmp_path: Path) -> LocalObjectStore:
    return LocalObjectStore(tmp_path)


def test_a_run_that_did_not_come_to_its_end_keeps_its_key(
    objects: LocalObjectStore,
) -> None:
    first = run_key(objects, TABLE, PARAMS, "code")
    renamed = TABLE.model_copy(update={"key": "elsewhere", "revision": "customers@v2"})

    assert run_key(objects, TABLE, PARAMS, "code") == first
    assert run_key(objects, renamed, PARAMS, "code") == first


def test_a_run_after_one_that_did_is_another_attempt(objects: LocalObjectStore) -> None:
    keys = []
    for _ in range(3):
        keys.append(run_key(objects, TABLE, PARAMS, "code"))
        outcome.finish(objects, keys[-1])

    assert [key.rpartition("-")[2] for key in keys] == ["1", "2", "3"]
    assert len({key.rpartition("-")[0] for key in keys}) == 1


def test_other_data_params_or_code_have_another_key(objects: LocalObjectStore) -> None:
    other_data = TABLE.model_copy(update={"digest": "cd"})
    other_params = ChurnParams(training=TrainingParams(seed=1))
    keys = {
        run_key(objects, TABLE, PARAMS, "code"),
        run_key(objects, other_data, PARAMS, "code"),
        run_key(objects, TABLE, other_params, "code"),
        run_key(objects, TABLE, PARAMS, "other code"),
    }

    assert len(keys) == 4


def test_the_longest_model_name_makes_a_valid_key(objects: LocalObjectStore) -> None:
    params = ChurnParams(model_name="m" * 63)
    key = run_key(objects, TABLE, params, "code")

    assert TrainingRequest(dataset=TABLE, params=params, run_key=key).run_key == key
