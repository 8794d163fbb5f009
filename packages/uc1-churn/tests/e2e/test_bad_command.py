"""What the command says of a bad configuration, and what it leaves as it was."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.testing.command import mlops
from mlops_common.testing.external_postgres import (
    PASSWORD,
    external_postgres,
    variables,
)
from uc1_churn.result import ChurnResult

WRONG = "open sesame"
QUICKLY = ("--set", "skip_training=true")


def still_serves(platform: Platform, first: ChurnResult) -> bool:
    champion = platform.tracking.resolve(first.model.name, "champion")
    served = platform.serving.endpoint(first.model.name).model
    return served == champion and platform.datasets.revision("customers") is not None


@pytest.fixture(scope="module")
def wrong_password() -> Iterator[dict[str, str]]:
    """Variables that name a server which is there, and not its password."""
    with external_postgres() as settings:
        yield {**variables(settings), "MLOPS_POSTGRES__PASSWORD": WRONG}


@pytest.mark.parametrize(
    "words",
    [
        ("run", "uc1", *QUICKLY),
        ("demo",),
        ("data", "load", "{csv}", "--table", "customers"),
    ],
    ids=["run", "demo", "data load"],
)
def test_a_wrong_password_exits_with_2_and_does_no_damage(
    platform: Platform,
    first: ChurnResult,
    wrong_password: dict[str, str],
    tmp_path: Path,
    words: tuple[str, ...],
) -> None:
    csv = tmp_path / "customers.csv"
    csv.write_text("a,b\n1,2\n", "utf-8")

    words = tuple(word.format(csv=csv) for word in words)

    said = mlops(*words, variables=wrong_password)

    assert said.code == 2
    assert said.err.startswith("ConfigError\n")
    assert "does not accept the password of user 'admin'" in said.err
    assert "MLOPS_POSTGRES__PASSWORD" in said.err
    assert "postgres.password_file" in said.err
    for word in ("Traceback", WRONG, PASSWORD):
        assert word not in said.err + said.out
    assert still_serves(platform, first)


@pytest.mark.usefixtures("platform")
def test_a_password_in_a_file_that_is_absent_exits_with_2(
    wrong_password: dict[str, str], tmp_path: Path
) -> None:
    missing = str(tmp_path / "password")
    changes = {k: v for k, v in wrong_password.items() if not k.endswith("PASSWORD")}
    changes["MLOPS_POSTGRES__PASSWORD_FILE"] = missing

    said = mlops("run", "uc1", variables=changes)

    assert said.code == 2
    assert f"postgres.password_file {missing} cannot be read" in said.err


@pytest.mark.parametrize(
    ("text", "key", "allowed"),
    [
        ("postgers: {host: db}", "'postgers'", "postgres"),
        ("postgres: {hots: db}", "'postgres.hots'", "host"),
        ("uc1: {training: {tres: 3}}", "'training.tres'", "trees"),
    ],
    ids=["section", "setting", "param"],
)
def test_an_unknown_key_of_the_file_exits_with_2_and_names_the_known_ones(
    platform: Platform,
    first: ChurnResult,
    tmp_path: Path,
    text: str,
    key: str,
    allowed: str,
) -> None:
    (tmp_path / "config.yaml").write_text(text, "utf-8")

    said = mlops("run", "uc1", folder=tmp_path)

    assert said.code == 2
    assert f"unknown key {key}" in said.err
    assert allowed in said.err.partition("allowed:")[2]
    assert "Traceback" not in said.err
    assert still_serves(platform, first)


@pytest.mark.usefixtures("platform")
def test_an_unknown_key_on_the_command_line_exits_with_2() -> None:
    said = mlops("run", "uc1", "--set", "training.tres=3")

    assert said.code == 2
    assert "unknown key 'training.tres'" in said.err


def test_a_mistake_in_the_params_is_told_before_any_server_starts(
    tmp_path: Path,
) -> None:
    home = tmp_path / "home"
    words = ("run", "uc1", "--set", "training.trees=many")

    said = mlops(*words, variables={"MLOPS_HOME": str(home)})

    assert said.code == 2
    assert "key 'training.trees' (params of uc1)" in said.err
    assert "found 'many'" in said.err
    assert not home.exists()


def test_a_home_that_cannot_be_made_exits_with_2() -> None:
    said = mlops("run", "uc1", variables={"MLOPS_HOME": "/dev/null/home"})

    assert said.code == 2
    assert "cannot make the folder /dev/null/home" in said.err
    assert "MLOPS_HOME" in said.err


def test_an_unknown_alias_exits_with_2_and_does_no_damage(
    platform: Platform, first: ChurnResult
) -> None:
    said = mlops("run", "uc1", *QUICKLY, "--set", "gate.champion_alias=nobody")

    assert said.code == 2
    assert "'nobody'" in said.err
    assert first.model.name in said.err
    assert "gate.champion_alias" in said.err
    assert "Traceback" not in said.err
    assert still_serves(platform, first)


@pytest.mark.usefixtures("first")
def test_an_error_as_json_is_all_that_standard_output_holds() -> None:
    alias = ("--set", "gate.champion_alias=nobody")

    said = mlops("run", "uc1", *QUICKLY, *alias, "--json")

    error = json.loads(said.out)
    assert said.code == 2
    assert error["error"] == "NotFoundError"
    assert "nobody" in error["message"]
