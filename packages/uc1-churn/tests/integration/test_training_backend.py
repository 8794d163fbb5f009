import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from mlops_common import locks
from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import BackendError, ContractError, NotFoundError
from mlops_common.processes import wait_until
from mlops_common.progress import Advance, Unit, listening
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.serving.artifact import verified
from mlops_common.serving.base import ServiceSpec
from mlops_common.settings import Settings
from mlops_common.testing.marks import MLFLOW
from mlops_common.testing.postgres import small_disk, temporary_home
from uc1_churn.evaluation.champion import compare_with_champion, reconciled
from uc1_churn.serving.predictor import MODEL_FILE, ChurnPredictor, load_pipeline
from uc1_churn.testing.training import (
    PARAMS,
    TrainingBackendContract,
    customers,
    requested,
)
from uc1_churn.training_backend import outcome, steps
from uc1_churn.training_backend.attempt import run_key
from uc1_churn.training_backend.base import TrainingRequest
from uc1_churn.training_backend.local import LocalTraining, _workspace

pytestmark = MLFLOW


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with temporary_home() as home:
        yield connect(Settings(home=home))


class TestLocalTraining(TrainingBackendContract):
    @pytest.fixture(scope="class")
    def backend(self, platform: Platform) -> LocalTraining:
        return LocalTraining(platform)

    @pytest.fixture
    def dying(self) -> Iterator[contextlib.AbstractContextManager[None]]:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("MLOPS_CONFIG", "/nowhere/config.yaml")
            yield contextlib.nullcontext()


@pytest.fixture(scope="module")
def request_(platform: Platform) -> TrainingRequest:
    return requested(platform, "tuesday")


class Followed:
    """Listens to how far the training is."""

    def __init__(self) -> None:
        self.share = 0.0

    @contextmanager
    def step(
        self,
        description: str,
        total: float | None,
        unit: Unit = "",
    ) -> Iterator[Advance]:
        assert unit == ""

        def advance(amount: float) -> None:
            if description == "Train the model":
                assert total == 1
                self.share += amount

        yield advance


@pytest.fixture(scope="module")
def followed() -> Followed:
    return Followed()


@pytest.fixture(scope="module")
def model(
    platform: Platform, request_: TrainingRequest, followed: Followed
) -> ModelRef:
    with listening(followed):
        return LocalTraining(platform).train(request_)


def test_whoever_waits_for_a_training_is_told_how_far_it_is(
    model: ModelRef, followed: Followed
) -> None:
    assert model.version
    # At least that the model is fitted and another process judges it.
    assert 0.3 < followed.share <= 1


def test_a_run_leaves_nothing_but_its_outcome(
    platform: Platform, model: ModelRef
) -> None:
    left = sorted(p.name for p in (platform.settings.home / "training").iterdir())

    assert left == [".lock"]
    assert outcome.kept(platform.objects, "tuesday") == model


def test_a_run_killed_after_registering_finds_its_version(
    platform: Platform,
    request_: TrainingRequest,
    model: ModelRef,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platform.objects.delete("training/tuesday/model.json")
    monkeypatch.setenv("MLOPS_HOME", str(platform.settings.home))

    text = steps.register(request_.model_dump_json(), "never fitted")

    assert ModelRef.model_validate_json(text) == model
    assert outcome.kept(platform.objects, "tuesday") == model


def test_a_version_that_was_deleted_is_not_taken_up(
    platform: Platform, request_: TrainingRequest, model: ModelRef
) -> None:
    content = (platform, request_.dataset, PARAMS, "c0de")
    key = run_key(*content)
    outcome.keep(platform.objects, key, model)
    assert run_key(*content) == key

    outcome.keep(platform.objects, key, model.model_copy(update={"version": 99}))

    assert run_key(*content) != key


def test_a_workspace_of_a_killed_run_goes_and_that_of_a_living_one_stays(
    tmp_path: Path,
) -> None:
    (tmp_path / "run-killed").mkdir()

    with (
        _workspace(tmp_path, "one") as (one, _),
        _workspace(tmp_path, "two") as (
            two,
            _,
        ),
    ):
        left = {path for path in tmp_path.iterdir() if path.is_dir()}

    assert left == {one, two}
    assert not locks.held(one / "lock")


def test_a_run_waits_for_the_training_of_a_killed_run_of_its_key(
    platform: Platform, request_: TrainingRequest
) -> None:
    wanted = request_.model_copy(update={"run_key": "orphaned"})
    program = (
        "import sys; from mlops_common.bootstrap import connect; "
        "from uc1_churn.training_backend.base import TrainingRequest; "
        "from uc1_churn.training_backend.local import LocalTraining; "
        "LocalTraining(connect()).train("
        "TrainingRequest.model_validate_json(sys.argv[1]))"
    )
    place = platform.settings.home / "training" / "run-orphaned" / "log.txt"
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", program, wanted.model_dump_json()],
        env={**os.environ, **platform.environment},
    ) as killed:
        assert wait_until(place.exists, 60)
        killed.kill()
    assert locks.held(place.parent / "lock")

    model = LocalTraining(platform).train(wanted)

    # Were it trained twice, two versions would have this key.
    with pytest.raises(NotFoundError):
        platform.tracking.version(model.name, model.version + 1)
    assert platform.tracking.find(model.name, {"run_key": "orphaned"}) == model


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    root = tmp_path / "training"
    root.mkdir()
    dataset = DatasetRef(name="d", key="k", digest="d", rows=1)
    request = TrainingRequest(dataset=dataset, params=PARAMS, run_key="full")
    with small_disk(root, megabytes=1):
        (root / ".lock").touch()
        filler = (root / "filler").open("wb", buffering=0)
        with filler, contextlib.suppress(OSError):
            while filler.write(bytes(4096)):
                pass

        with pytest.raises(BackendError, match=r"cannot train in .*No space left"):
            LocalTraining(connect(Settings(home=tmp_path))).train(request)


def test_the_challenger_meets_the_champion_on_the_held_out_rows(
    platform: Platform, request_: TrainingRequest, model: ModelRef
) -> None:
    table, folder = platform.datasets.path(request_.dataset), verified(model)

    difference = compare_with_champion(table, folder, folder, PARAMS)

    assert (difference.low, difference.value, difference.high) == (0, 0, 0)


def test_a_champion_that_cannot_score_the_table_is_named(
    model: ModelRef, tmp_path: Path
) -> None:
    import skops.io

    from uc1_churn.training.fitting import fit

    narrow = customers().drop_columns("plan")
    pq.write_table(narrow, tmp_path / "narrow.parquet")
    pipeline = fit(narrow, "customer_id", PARAMS.training).pipeline
    skops.io.dump(pipeline, tmp_path / "model.skops")

    with pytest.raises(ContractError, match=r"champion of 'churn-predictor' .* 'plan'"):
        compare_with_champion(
            tmp_path / "narrow.parquet", tmp_path, verified(model), PARAMS
        )


def registered_again(platform: Platform, model: ModelRef) -> ModelRef:
    pipeline = load_pipeline(verified(model) / MODEL_FILE)
    stored = steps._model(pipeline, ChurnPredictor(pipeline), customers())
    with platform.tracking.run(model.name, name="t", key="t", tags={}) as run:
        return run.register(model.name, stored, {})


def test_the_version_that_serves_is_the_champion_after_an_interrupted_deploy(
    platform: Platform, model: ModelRef
) -> None:
    serving, tracking = platform.serving, platform.tracking
    other = registered_again(platform, model)
    spec = ServiceSpec(model.name, model, "uc1_churn.serving:load_predictor")
    assert reconciled(serving, tracking, model.name, "champion") is None
    tracking.set_alias(other, "champion")
    assert reconciled(serving, tracking, model.name, "champion") == other
    serving.stage(spec)
    try:
        assert reconciled(serving, tracking, model.name, "champion") == other
        serving.promote(model.name)

        assert reconciled(serving, tracking, model.name, "champion") == model
        assert tracking.resolve(model.name, "champion") == model
        assert reconciled(serving, tracking, model.name, "nobody") is None
    finally:
        serving.stop(model.name)


def test_loading_a_model_does_not_import_mlflow(model: ModelRef) -> None:
    program = (
        "import sys; from pathlib import Path; from uc1_churn.serving.predictor import "
        "load_predictor; load_predictor(Path(sys.argv[1])); "
        "assert 'mlflow' not in sys.modules"
    )

    subprocess.run([sys.executable, "-c", program, str(verified(model))], check=True)
