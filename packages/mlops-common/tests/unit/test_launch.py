from pathlib import Path
from typing import Any

import pytest

from mlops_common.config import Settings
from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.launch import gathered, parsed
from mlops_common.use_case import UseCase, find

CASE = UseCase(name="uc1", title="", flow="builtins:print", params="")


def settings(**sections: dict[str, Any]) -> Settings:
    return Settings(home=Path("unused"), **sections)


@pytest.mark.parametrize(
    ("assignment", "values"),
    [
        ("skip_training=true", {"skip_training": True}),
        ("training.seed=3", {"training": {"seed": 3}}),
        ("dataset.numeric=[a, b]", {"dataset": {"numeric": ["a", "b"]}}),
        ("dataset.query=SELECT 1 = 1", {"dataset": {"query": "SELECT 1 = 1"}}),
        ("capacity=", {"capacity": None}),
    ],
)
def test_an_assignment_is_a_dotted_key_and_a_yaml_value(
    assignment: str, values: dict[str, Any]
) -> None:
    assert parsed(assignment) == values


@pytest.mark.parametrize("assignment", ["seed", "=3", "a=[1"])
def test_a_wrong_assignment_says_so(assignment: str) -> None:
    with pytest.raises(ConfigError, match="--set"):
        parsed(assignment)


def test_the_command_line_wins_over_the_file_and_it_over_the_settings(
    tmp_path: Path,
) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("{b: 2, c: 2}", "utf-8")

    values = gathered(CASE, settings(uc1={"a": 1, "b": 1, "c": 1}), str(file), ["c=3"])

    assert values == {"a": 1, "b": 2, "c": 3}


def test_params_that_are_neither_file_nor_preset_are_refused() -> None:
    with pytest.raises(NotFoundError, match="'nothing' is neither a file nor a preset"):
        gathered(CASE, settings(), "nothing")


def test_an_absent_use_case_lists_those_that_are_installed() -> None:
    with pytest.raises(NotFoundError, match="no use case 'uc9' is installed"):
        find("uc9")
