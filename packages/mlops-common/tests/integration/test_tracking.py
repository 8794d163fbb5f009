import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from mlops_common.errors import BackendError, ContractError, NotFoundError
from mlops_common.postgres.database import Postgres
from mlops_common.refs import DatasetRef, ModelRef
from mlops_common.serving.artifact import folder_digest, verified
from mlops_common.testing.marks import MLFLOW
from mlops_common.testing.models import a_model
from mlops_common.tracking import Run, Tracking

pytestmark = MLFLOW

DATASET = DatasetRef(
    name="customers", key="raw/ab.parquet", digest="ab" * 32, rows=3, revision="c@v3"
)


@pytest.fixture(scope="module")
def uri(postgres: Postgres) -> str:
    return postgres.sqlalchemy_url("tracking")


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("objects") / "mlflow runs"


@pytest.fixture(scope="module")
def tracking(uri: str, artifacts: Path) -> Tracking:
    return Tracking(uri, artifacts.as_uri())


@pytest.fixture
def run(tracking: Tracking, request: pytest.FixtureRequest) -> Iterator[Run]:
    key = request.node.name
    with tracking.run("tests", name="a test", key=key, tags={}) as opened:
        yield opened


def test_a_run_keeps_params_metrics_dataset_and_files(
    tracking: Tracking, run: Run
) -> None:
    run.log({"trees": 300}, {"roc_auc": 0.84})
    run.log_dataset(DATASET)
    run.log_files({"evaluation.json": b'{"rows": 3}', "plots/roc.png": b"\x89PNG"})

    stored: Any = tracking._connection.client.get_run(run.id)
    assert stored.data.params == {"trees": "300"}
    assert stored.data.metrics == {"roc_auc": 0.84}
    assert json.loads(stored.inputs.dataset_inputs[0].dataset.source) == {
        "revision": "c@v3",
        "key": "raw/ab.parquet",
    }
    assert tracking.read_json(run.id, "evaluation.json") == {"rows": 3}
    assert tracking.read(run.id, "plots/roc.png") == b"\x89PNG"


def test_a_run_has_a_page_where_a_server_shows_the_database(
    tracking: Tracking, uri: str, artifacts: Path, run: Run
) -> None:
    pages = "http://127.0.0.1:5000"
    shown = Tracking(uri, artifacts.as_uri(), pages=pages)

    assert tracking.page(run.id) == ""
    assert re.fullmatch(rf"{pages}/#/experiments/\d+/runs/{run.id}", shown.page(run.id))


def test_a_version_names_its_dataset_commit_and_bytes(
    tracking: Tracking, run: Run
) -> None:
    model = run.register("kept", a_model(), {"dataset": "c@v3", "git_commit": "f00"})

    assert (model.version, model.run_id, model.dataset) == (1, run.id, "c@v3")
    assert tracking.tags(model)["git_commit"] == "f00"
    assert tracking.version("kept", 1) == model
    assert folder_digest(tracking.download(model)) == model.digest


def test_the_uri_of_a_version_is_a_folder_that_the_server_accepts(run: Run) -> None:
    model = run.register("served", a_model(), {})

    assert (verified(model) / "model.skops").is_file()


def test_a_stored_model_holds_no_pickle_and_says_what_it_takes(
    tracking: Tracking, run: Run
) -> None:
    from mlflow.models import Model

    folder = tracking.download(run.register("described", a_model(), {}))

    described: Any = Model.load(str(folder))
    assert not list(folder.rglob("*.pkl"))
    assert described.signature.inputs.input_names() == ["age"]
    assert described.load_input_example(str(folder))["age"].tolist() == [20.0, 30.0]
    assert "scikit-learn" in (folder / "requirements.txt").read_text("utf-8")


def test_mlflow_itself_can_load_the_model(run: Run) -> None:
    import mlflow.pyfunc

    model = a_model()

    loaded = mlflow.pyfunc.load_model(run.register("loaded", model, {}).uri)

    expected = model.pipeline.predict_proba(model.example)
    assert loaded.predict(model.example).tolist() == expected.tolist()


def test_a_type_that_is_not_trusted_is_not_stored(run: Run) -> None:
    from dataclasses import replace

    from sklearn.preprocessing import FunctionTransformer

    model = replace(a_model(), pipeline=FunctionTransformer(os.getcwd))

    with pytest.raises(ContractError, match="untrusted types"):
        run.register("untrusted", model, {})


def test_a_version_is_found_by_its_tags(tracking: Tracking, run: Run) -> None:
    first = run.register("found", a_model(), {"run_key": "monday"})
    second = run.register("found", a_model(2.0), {"run_key": "tuesday"})

    assert tracking.find("found", {"run_key": "monday"}) == first
    assert tracking.find("found", {"run_key": "tuesday"}) == second
    assert tracking.find("found", {"run_key": "sunday"}) is None
    assert tracking.find("unheard-of", {"run_key": "monday"}) is None


def test_a_tag_that_cannot_be_searched_for_is_refused(tracking: Tracking) -> None:
    with pytest.raises(ContractError, match="cannot be searched for"):
        tracking.find("found", {"run_key": "x' or '1' = '1"})


def test_an_alias_moves_from_version_to_version(tracking: Tracking, run: Run) -> None:
    first, second = (run.register("aliased", a_model(), {}) for _ in range(2))
    assert tracking.champion("aliased", "champion") is None

    tracking.set_alias(first, "champion")
    tracking.set_alias(second, "champion")

    assert tracking.resolve("aliased", "champion") == second
    assert tracking.aliases("aliased") == {"champion": 2}


def test_what_is_unknown_is_named_with_what_is_known(
    tracking: Tracking, run: Run
) -> None:
    model = run.register("known", a_model(), {})
    tracking.set_alias(model, "champion")

    with pytest.raises(NotFoundError, match=r"'known' has no alias 'x'; known: champ"):
        tracking.resolve("known", "x")
    with pytest.raises(NotFoundError, match=r"'known' has no version 7; known: 1"):
        tracking.version("known", 7)
    with pytest.raises(NotFoundError, match=r"no model 'unknown' .*known: .*known"):
        tracking.resolve("unknown", "champion")
    with pytest.raises(NotFoundError, match="has no version 9"):
        tracking.set_alias(model.model_copy(update={"version": 9}), "champion")
    assert tracking.champion("unknown", "champion") is None


def test_a_missing_file_or_run_is_not_found(tracking: Tracking, run: Run) -> None:
    with pytest.raises(NotFoundError, match="nothing is stored at"):
        tracking.read(run.id, "absent.json")
    with pytest.raises(NotFoundError, match="read x of run 0000"):
        tracking.read("0" * 32, "x")


def test_a_file_that_is_no_json_breaks_a_promise(tracking: Tracking, run: Run) -> None:
    run.log_files({"odd.json": b"{"})

    with pytest.raises(ContractError, match="is not JSON"):
        tracking.read_json(run.id, "odd.json")


def test_files_that_cannot_be_written_are_a_failure_of_the_store(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(tempfile, "tempdir", os.devnull)
        with pytest.raises(BackendError, match=r"cannot log files: .*disk has room"):
            run.log_files({"a.txt": b"a"})
        with pytest.raises(BackendError, match=r"cannot store the model: .*disk"):
            run.register("unwritten", a_model(), {})


def test_an_error_marks_the_run_as_failed(tracking: Tracking) -> None:
    with (
        pytest.raises(ZeroDivisionError),
        tracking.run("tests", name="x", key="fails", tags={}) as failing,
    ):
        raise ZeroDivisionError

    assert tracking._connection.client.get_run(failing.id).info.status == "FAILED"


KILLED = """
import os, signal, sys
from mlops_common.tracking import Tracking

tracking = Tracking(sys.argv[1], sys.argv[2])
with tracking.run("tests", name="x", key="k9", tags={}) as run:
    print(run.id, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_run_hinders_nobody_and_is_marked_by_the_next(
    tracking: Tracking, uri: str, artifacts: Path
) -> None:
    command = [sys.executable, "-c", KILLED, uri, artifacts.as_uri()]
    killed = subprocess.run(command, capture_output=True, text=True, check=False)

    with tracking.run("tests", name="x", key="k9", tags={}) as again:
        statuses = {
            key: tracking._connection.client.get_run(key).info.status
            for key in (killed.stdout.strip(), again.id)
        }

    assert killed.returncode == -signal.SIGKILL
    assert list(statuses.values()) == ["KILLED", "RUNNING"]


OPEN_A_RUN = """
import sys
from mlops_common.tracking import Tracking
with Tracking(*sys.argv[1:]).run("race", name="x", key="x", tags={}) as run:
    print(run.id)
"""


def test_processes_may_race_for_an_empty_database(
    postgres: Postgres, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", OPEN_A_RUN, postgres.sqlalchemy_url("race")]
    racers = [
        subprocess.Popen(
            [*command, tmp_path.as_uri()], stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]

    opened = {racer.communicate(timeout=120)[0].strip() for racer in racers}

    assert [racer.returncode for racer in racers] == [0, 0]
    assert len(opened) == 2


def test_a_server_that_cannot_be_reached_is_named_without_the_password() -> None:
    tracking = Tracking("postgresql://ann:s3%40cret@127.0.0.1:1/mlflow", "file:///x")

    with pytest.raises(BackendError) as caught:
        tracking.find("any", {})

    assert "postgresql://ann:***@127.0.0.1:1/mlflow" in str(caught.value)
    assert "cret" not in str(caught.value) + repr(tracking)


def test_files_that_cannot_be_written_are_a_backend_error(
    postgres: Postgres, tmp_path: Path
) -> None:
    blocked = tmp_path / "a file"
    blocked.write_bytes(b"")
    tracking = Tracking(postgres.sqlalchemy_url("tracking"), blocked.as_uri())

    with (
        pytest.raises(BackendError, match="cannot log files"),
        tracking.run("blocked", name="x", key="x", tags={}) as run,
    ):
        run.log_files({"a.txt": b"a"})


def test_nothing_is_written_beside_the_program(
    tracking: Tracking, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with tracking.run("tests", name="x", key="cwd", tags={}) as run:
        model: ModelRef = run.register("beside", a_model(), {})

    assert model.version == 1
    assert not list(tmp_path.iterdir())
