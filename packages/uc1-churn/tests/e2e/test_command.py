"""The `mlops` command over the whole pipeline: the demo, errors, runs at once."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from mlops_common import cli
from mlops_common.bootstrap import Platform
from mlops_common.demo import run_demo
from mlops_common.errors import ConfigError
from mlops_common.home import reset
from mlops_common.parts.overview import overview
from uc1_churn.result import ChurnResult

Run = Callable[..., ChurnResult]


def command(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(list(words))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def still_serves(platform: Platform, first: ChurnResult) -> bool:
    champion = platform.tracking.resolve(first.model.name, "champion")
    return platform.serving.endpoint(first.model.name).model == champion


def test_the_demo_reuses_the_company_that_it_finds(
    platform: Platform, first: ChurnResult, company: dict[str, int]
) -> None:
    result = run_demo(platform, **company)

    assert result.dataset == first.dataset
    assert result.model.version > first.model.version
    shown = result.summary()
    assert list(shown) == [
        "Rows",
        "Model",
        "ROC AUC",
        "Profit",
        "Target list",
        "Endpoint",
        "Report",
    ]
    assert "curl -s http://127.0.0.1:" in result.closing()


def test_the_demo_leaves_a_table_of_somebody_else_alone(
    platform: Platform, first: ChurnResult, company: dict[str, int]
) -> None:
    with platform.postgres.connect() as connection:
        connection.execute("ALTER TABLE customers RENAME TO simulated")
        connection.execute("CREATE TABLE customers (mine text)")
    try:
        with pytest.raises(ConfigError, match="was not made by the demo"):
            run_demo(platform, **company)
        with platform.postgres.connect() as connection:
            assert connection.execute("SELECT mine FROM customers").fetchall() == []
    finally:
        with platform.postgres.connect() as connection:
            connection.execute("DROP TABLE customers")
            connection.execute("ALTER TABLE simulated RENAME TO customers")
    assert still_serves(platform, first)


def test_an_unreachable_database_exits_with_5_and_does_no_damage(
    platform: Platform,
    first: ChurnResult,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with monkeypatch.context() as patch:
        patch.setenv("MLOPS_POSTGRES__HOST", "127.0.0.1")
        patch.setenv("MLOPS_POSTGRES__PORT", "1")

        assert command("run", "uc1", "--set", "skip_training=true") == 5

    said = capsys.readouterr().err
    assert "PostgreSQL at 127.0.0.1:1 cannot be reached" in said
    assert "Traceback" not in said
    assert still_serves(platform, first)


def test_a_refusal_exits_with_4_and_a_broken_contract_with_3(
    platform: Platform, first: ChurnResult, tmp_path: Path
) -> None:
    contract = tmp_path / "strict.yaml"
    contract.write_text(
        "{name: strict, columns: {age: {kind: integer}}, min_rows: 1000000}", "utf-8"
    )

    assert command("run", "uc1", "--set", f"contract={contract}") == 3
    assert command("run", "uc1", "--set", "gate.min_roc_auc=0.999") == 4
    assert still_serves(platform, first)


def test_two_runs_at_once_do_each_other_no_harm(
    platform: Platform, first: ChurnResult
) -> None:
    words = ["-m", "uc1_churn.flows.churn_pipeline", "--set", "skip_training=true"]
    runs = [
        subprocess.Popen(
            [sys.executable, *words],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [run.communicate(timeout=200)[1] for run in runs]

    codes = sorted(run.returncode for run in runs)
    # Both deploy; or one came while the other did, and was told so.
    assert codes in ([0, 0], [0, 4]), said
    assert still_serves(platform, first)


def test_status_names_what_runs(platform: Platform, first: ChurnResult) -> None:
    rows = {row.name: row for row in overview(platform)}

    assert "psql -h" in rows["postgres"].url
    assert rows["postgres"].health == rows["prefect-server"].health == "ok"
    name = first.model.name
    assert rows[name].url.startswith(first.endpoint.url)
    serving = platform.serving.endpoint(name).model.version
    assert rows[name].detail == f"version {serving}"
    assert [row for row in rows if row.startswith(f"{name}/")]


def test_a_folder_that_is_no_home_is_not_deleted(
    platform: Platform, tmp_path: Path
) -> None:
    (tmp_path / "letters").mkdir()
    other = Platform(platform.settings.model_copy(update={"home": tmp_path}))

    with pytest.raises(ConfigError, match="does not look like a home folder"):
        reset(other)

    assert (tmp_path / "letters").is_dir()
