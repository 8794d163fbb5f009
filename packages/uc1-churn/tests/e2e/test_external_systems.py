"""The whole pipeline against servers for every system, and where its secrets went.

Kubeflow is a double that runs the pods; everything else is the real program. Model
servers are those of this machine: nothing can run an InferenceService here.
"""

import json
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import psutil
import pytest
import yaml
from pydantic import SecretStr

from mlops_common.bootstrap import Platform
from mlops_common.config import load
from mlops_common.home import reset
from mlops_common.sections import MinioSettings
from mlops_common.settings import Settings
from mlops_common.simulation import write_company
from mlops_common.testing.command import Said, mlops
from mlops_common.testing.external_postgres import PASSWORD, external_postgres
from mlops_common.testing.mlflow import tracking_server
from mlops_common.testing.moto import moto_server
from uc1_churn.testing.kubeflow_double import KubeflowDouble
from uc1_churn.testing.kubeflow_pods import Pods
from uc1_churn.testing.redis import redis_server
from uc1_churn.training_backend.environment import HOME

pytestmark = pytest.mark.cluster

NAMES = ("ACCESS", "SECRET", "REDIS", "KUBEFLOW")
PLANTED = {name: f"planted-{name.lower()}-9f3b1c" for name in NAMES}
SECRET = "pipeline-secrets"  # noqa: S105 - the name of a Kubernetes Secret
OFTEN = 0.1  # seconds between two looks at the processes
QUICK = "training.bootstrap_replicates=100"
DATABASES = "SELECT datname FROM pg_database WHERE NOT datistemplate"
TABLES = """
SELECT quote_ident(table_schema) || '.' || quote_ident(table_name)
FROM information_schema.tables
WHERE table_type = 'BASE TABLE'
  AND table_schema NOT IN ('pg_catalog', 'information_schema')
"""


class Ran(NamedTuple):
    """What a run against servers left behind.

    Attributes:
        said: By the command.
        platform: As the run saw it.
        folder: Of its home, and of the repositories that it rendered.
        kubeflow: The double.
        variables: Of the run, the secrets among them.
        secrets: What must be nowhere.
        commands: Command lines of all processes that were seen during the run.
    """

    said: Said
    platform: Platform
    folder: Path
    kubeflow: KubeflowDouble
    variables: dict[str, str]
    secrets: set[str]
    commands: set[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    """Run UC1 with a server for each system, by a file with no secret in it."""
    folder = tmp_path_factory.mktemp("systems")
    with ExitStack() as stack:
        sections, secrets = _servers(stack, folder)
        pods = Pods(folder / "pods", secrets={SECRET: secrets}, disks={HOME: folder})
        token = PLANTED["KUBEFLOW"]
        kubeflow = stack.enter_context(KubeflowDouble(pods, token=token))
        sections["kubeflow"] = {"host": kubeflow.url, "environment_secret": SECRET}
        variables = {**secrets, "MLOPS_KUBEFLOW__TOKEN": token}
        file = folder / "config.yaml"
        file.write_text(yaml.safe_dump(sections), "utf-8")
        variables |= {
            "MLOPS_CONFIG": str(file),
            "PREFECT_HOME": str(folder / "prefect"),
        }
        platform = Platform(load(file, variables).settings)
        stack.callback(reset, platform)
        _make_company(platform)
        words = ("run", "uc1", "--set", QUICK, "--json")
        with watched() as commands:
            said = mlops(*words, **_at(folder, variables))
        forms = {*secrets.values(), token, PASSWORD, quote(PASSWORD, safe="")}
        yield Ran(said, platform, folder, kubeflow, variables, forms, commands)


def _servers(stack: ExitStack, folder: Path) -> tuple[dict[str, Any], dict[str, str]]:
    """Start the servers; return their sections, and the secrets by variable."""
    postgres = stack.enter_context(external_postgres())
    s3 = stack.enter_context(moto_server())
    minio = s3.bucket(
        access_key=SecretStr(PLANTED["ACCESS"]), secret_key=SecretStr(PLANTED["SECRET"])
    )
    place = folder / "mlflow"
    place.mkdir()
    mlflow = stack.enter_context(tracking_server(place))
    redis = stack.enter_context(redis_server(folder, PLANTED["REDIS"]))
    sections: dict[str, Any] = {
        "environment": "k3s",
        "home": str(folder / "home"),
        "postgres": _plain(postgres, "host", "port", "user", "sslmode"),
        "minio": _plain(minio, "endpoint", "bucket"),
        "mlflow": {"tracking_uri": mlflow.url, "username": mlflow.username},
        "feast": {"redis": _plain(redis, "host", "port"), "repo_path": "./feast"},
    }
    return sections, {
        "MLOPS_POSTGRES__PASSWORD": PASSWORD,
        "MLOPS_MINIO__ACCESS_KEY": PLANTED["ACCESS"],
        "MLOPS_MINIO__SECRET_KEY": PLANTED["SECRET"],
        "MLOPS_MLFLOW__PASSWORD": mlflow.password.get_secret_value(),
        "MLOPS_FEAST__REDIS__PASSWORD": PLANTED["REDIS"],
    }


@contextmanager
def watched() -> Iterator[set[str]]:
    """Collect the command lines of every process until the end of the block."""
    seen: set[str] = set()
    ended = threading.Event()

    def look() -> None:
        while not ended.wait(OFTEN):
            processes = psutil.process_iter(["cmdline"])
            seen.update(" ".join(one.info["cmdline"] or ()) for one in processes)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def _plain(settings: Any, *keys: str) -> dict[str, Any]:
    return {key: getattr(settings, key) for key in keys}


def _at(folder: Path, variables: Mapping[str, str]) -> dict[str, Any]:
    return {"folder": folder, "variables": variables}


def _make_company(platform: Platform) -> None:
    import datetime as dt

    platform.postgres.ensure_database("customers")
    end = dt.datetime.now(dt.UTC).date().replace(day=1)
    write_company(platform.postgres, seed=7, customers=600, months=4, end=end)


def test_the_pipeline_completes_and_answers(ran: Ran) -> None:
    assert ran.said.code == 0, ran.said.err
    result = json.loads(ran.said.out)

    assert result["model"]["uri"].startswith("s3://")
    assert result["dataset"]["revision"] == "customers@v1"
    answer = subprocess.run(
        ["/bin/sh", "-c", result["curl"]], capture_output=True, check=True
    )
    assert 0 < json.loads(answer.stdout)["predictions"][0] < 1


def test_every_system_did_its_part(ran: Ran) -> None:
    keys = list(ran.platform.objects.keys())
    (run,) = ran.kubeflow.runs.values()

    for prefix in ("raw/", "dvc/", "mlflow/", "targets/", "validation/"):
        assert any(key.startswith(prefix) for key in keys), prefix
    assert run.state == "SUCCEEDED"
    assert ran.platform.tracking.resolve("churn-predictor", "champion").version == 1
    assert not (ran.folder / "home" / "postgres").exists()
    assert not (ran.folder / "home" / "objects").exists()


def test_a_second_run_finds_the_same_dataset_and_holds_against_the_champion(
    ran: Ran,
) -> None:
    words = ("run", "uc1", "--set", QUICK, "--json")

    said = mlops(*words, **_at(ran.folder, ran.variables))

    assert said.code == 0, said.err
    result = json.loads(said.out)
    assert result["dataset"]["revision"] == "customers@v1"
    assert result["model"]["version"] == 2
    assert result["decision"]["champion"] == 1


def test_doctor_finds_every_system_well(ran: Ran) -> None:
    words = ("doctor", "--deadline", "120", "--json")

    said = mlops(*words, **_at(ran.folder, ran.variables))

    states = {one["system"]: one["health"]["state"] for one in json.loads(said.out)}
    assert said.code == 0, said.out
    assert states.pop("Object store") == "degraded"  # moto's bucket keeps no versions
    assert states.pop("KServe") == states.pop("Prefect") == "embedded"
    assert set(states.values()) == {"ok"}
    assert not found_in(said.out + said.err, ran.secrets)


def test_no_secret_is_in_what_the_run_said_or_wrote_to_files(ran: Ran) -> None:
    files = {
        str(path.relative_to(ran.folder)): path.read_bytes().decode("utf-8", "ignore")
        for path in ran.folder.rglob("*")
        # The tracking server's own list of users, which a test made.
        if path.is_file() and "authentication" not in path.name
    }
    texts = {"output": ran.said.out + ran.said.err, **files}

    assert len(files) > 50
    assert [name for name, text in texts.items() if found_in(text, ran.secrets)] == []


def test_no_secret_is_in_an_object_or_what_kubeflow_was_told(ran: Ran) -> None:
    objects = ran.platform.objects
    keys = list(objects.keys())
    texts = {key: objects.read(key).decode("utf-8", "ignore") for key in keys}
    texts |= {
        run.id: json.dumps(run.body) + "".join(run.logs.values())
        for run in ran.kubeflow.runs.values()
    }

    assert [name for name, text in texts.items() if found_in(text, ran.secrets)] == []


def test_no_secret_is_in_a_database(ran: Ran) -> None:
    """MLflow's params and tags, Prefect's runs and logs, the registry of Feast."""
    postgres, tables = ran.platform.postgres, 0
    with postgres.connect() as connection:
        names = [name for (name,) in connection.execute(DATABASES).fetchall()]
    for name in names:
        with postgres.connect(name) as connection:
            for (table,) in connection.execute(TABLES).fetchall():
                tables += 1
                statement = f"COPY {table} TO STDOUT".encode()
                with connection.cursor().copy(statement) as copy:
                    text = b"".join(copy).decode("utf-8", "ignore")
                assert not found_in(text, ran.secrets), f"{name}: {table}"

    assert tables > 50


def test_no_secret_is_in_the_arguments_of_a_process(ran: Ran) -> None:
    """Of servers, and of what lived only while the run did."""
    lasting = ("mlops_common.cli", "mlops_common.serving", "uc1_churn")
    for part in (*lasting, "kfp.dsl.executor_main"):
        assert any(part in command for command in ran.commands), part
    assert [text for text in ran.commands if found_in(text, ran.secrets)] == []


def test_config_show_masks_every_secret(ran: Ran) -> None:
    said = mlops("config", "show", **_at(ran.folder, ran.variables))

    assert said.code == 0
    assert not found_in(said.out + said.err, ran.secrets)
    assert not found_in(repr(ran.platform.settings), ran.secrets)


def test_wrong_keys_of_each_system_are_told_without_the_others(ran: Ran) -> None:
    for variable in ("MLOPS_POSTGRES__PASSWORD", "MLOPS_MLFLOW__PASSWORD"):
        wrong = {**ran.variables, variable: "wrong-8d1e"}

        said = mlops("run", "uc1", "--set", QUICK, **_at(ran.folder, wrong))

        assert said.code == 2, said.err
        assert "password" in said.err
        assert not found_in(said.out + said.err, {*ran.secrets, "wrong-8d1e"})


def found_in(text: str, secrets: set[str]) -> bool:
    return any(secret in text for secret in secrets)


def test_the_search_would_find_a_secret() -> None:
    settings = MinioSettings(secret_key=SecretStr(PLANTED["SECRET"]))
    revealed = Settings(home=Path(), minio=settings).minio.secret("secret_key") or ""

    assert found_in(f"key={revealed}", set(PLANTED.values()))
