from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.refs import DatasetRef
from mlops_common.settings import Settings
from uc1_churn.config import ChurnParams, TrainingParams
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.attempt import run_key
from uc1_churn.training_backend.base import TrainingRequest

TABLE = DatasetRef(name="customers-training", key="k", digest="ab", rows=1)
PARAMS = ChurnParams()


@pytest.fixture
def platform(tmp_path: Path) -> Platform:
    return connect(Settings(home=tmp_path))


def test_a_run_that_did_not_come_to_its_end_keeps_its_key(
    platform: Platform,
) -> None:
    first = run_key(platform, TABLE, PARAMS, "code")
    renamed = TABLE.model_copy(update={"key": "elsewhere", "revision": "customers@v2"})

    assert run_key(platform, TABLE, PARAMS, "code") == first
    assert run_key(platform, renamed, PARAMS, "code") == first


def test_a_run_after_one_that_did_is_another_attempt(platform: Platform) -> None:
    keys = []
    for _ in range(3):
        keys.append(run_key(platform, TABLE, PARAMS, "code"))
        outcome.finish(platform.objects, keys[-1])

    assert [key.rpartition("-")[2] for key in keys] == ["1", "2", "3"]
    assert len({key.rpartition("-")[0] for key in keys}) == 1


def test_other_data_params_or_code_have_another_key(platform: Platform) -> None:
    other_data = TABLE.model_copy(update={"digest": "cd"})
    other_params = ChurnParams(training=TrainingParams(seed=1))
    keys = {
        run_key(platform, TABLE, PARAMS, "code"),
        run_key(platform, other_data, PARAMS, "code"),
        run_key(platform, TABLE, other_params, "code"),
        run_key(platform, TABLE, PARAMS, "other code"),
    }

    assert len(keys) == 4


def test_the_longest_model_name_makes_a_valid_key(platform: Platform) -> None:
    params = ChurnParams(model_name="m" * 63)
    key = run_key(platform, TABLE, params, "code")

    assert TrainingRequest(dataset=TABLE, params=params, run_key=key).run_key == key
