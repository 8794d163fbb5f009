"""Use cases are those that are installed, whoever made them."""

import json
import os
from pathlib import Path

import pytest

from mlops_common import cli, use_case
from mlops_common.testing.command import mlops

MODULE = """
from mlops_common.use_case import Command, UseCase
USE_CASE = UseCase(
    "uc9", "Bread: from flour to a loaf", "bread:bake", "bread:Params",
    commands={
        "oven": Command("uc9_oven:app", "Ask the oven."),
        "run": Command("uc9_oven:app", "Take our place."),
    },
)
"""
COMMANDS = """
import typer
from mlops_common.commands.context import loaded_of
from mlops_common.errors import RefusedError
print("the oven is imported")
app = typer.Typer(no_args_is_help=True, help="Ask the oven.")
@app.command()
def heat(context: typer.Context, degrees: int) -> None:
    \"\"\"Heat it up.\"\"\"
    print(f"{degrees} degrees in {loaded_of(context).settings.environment}")
@app.command()
def open_door() -> None:
    \"\"\"Open its door.\"\"\"
    raise RefusedError("it is hot")
"""
METADATA = "Metadata-Version: 2.1\nName: uc9-bread\nVersion: 1.0\n"
ENTRY_POINT = "[mlops.use_cases]\nuc9 = uc9_bread:USE_CASE\n"
TITLE = "Bread: from flour to a loaf"


@pytest.fixture
def wheel(tmp_path: Path) -> dict[str, str]:
    """Variables with which another use case is installed; its flow is not there.

    It brings the commands of an oven.
    """
    site = tmp_path / "site"
    info = site / "uc9_bread-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA, "utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINT, "utf-8")
    (site / "uc9_bread.py").write_text(MODULE, "utf-8")
    (site / "uc9_oven.py").write_text(COMMANDS, "utf-8")
    there = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), there]))}


def test_a_use_case_is_listed_if_it_is_installed_and_not_otherwise(
    wheel: dict[str, str], tmp_path: Path
) -> None:
    without = mlops("run", "--json", folder=tmp_path)
    given = mlops("run", "--json", variables=wheel, folder=tmp_path)

    assert without.code == given.code == 0
    assert json.loads(given.out) == {**json.loads(without.out), "uc9": TITLE}
    assert "uc9" not in json.loads(without.out)


def test_a_command_that_a_use_case_brings_is_listed_without_being_imported(
    wheel: dict[str, str], tmp_path: Path
) -> None:
    without = mlops("--help", folder=tmp_path)
    given = mlops("--help", variables=wheel, folder=tmp_path)

    assert without.code == given.code == 0
    assert "Ask the oven." in given.out
    assert "Ask the oven." not in without.out
    assert "the oven is imported" not in given.out


def test_it_has_the_options_and_the_exit_codes_of_every_command(
    wheel: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "bakery.yaml").write_text("environment: bakery", "utf-8")
    words = ("--config", "bakery.yaml", "oven")

    heated = mlops(*words, "heat", "230", variables=wheel, folder=tmp_path)
    refused = mlops(*words, "open-door", variables=wheel, folder=tmp_path)
    unclear = mlops(*words, "clean", variables=wheel, folder=tmp_path)

    assert heated.out.endswith("230 degrees in bakery\n")
    assert (heated.code, refused.code, unclear.code) == (0, 4, 2)
    assert "it is hot" in refused.err


def test_its_help_offers_no_options_of_a_whole_program(
    wheel: dict[str, str], tmp_path: Path
) -> None:
    shown = mlops("oven", "--help", variables=wheel, folder=tmp_path)

    assert shown.code == 0, shown.err
    assert "Usage: mlops oven" in shown.out.replace(
        "python -m mlops_common.cli", "mlops"
    )
    assert "Heat it up." in shown.out
    assert "completion" not in shown.out


def test_it_takes_no_name_of_ours(wheel: dict[str, str], tmp_path: Path) -> None:
    shown = mlops("run", "--json", variables=wheel, folder=tmp_path)

    assert json.loads(shown.out)["uc9"] == TITLE


def test_a_command_without_its_wheel_says_which_one_brings_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(use_case, "points", list)

    with pytest.raises(SystemExit) as ended:
        cli.main(["lineage", "up"])

    assert ended.value.code == 2
    assert "`pip install uc4-lineage`" in capsys.readouterr().err
