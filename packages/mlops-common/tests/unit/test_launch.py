from pathlib import Path
from typing import Any

import pytest

from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.launch import _flow_arguments, gathered, parsed
from mlops_common.params import Params
from mlops_common.settings import Settings
from mlops_common.use_case import UseCase, find


class Training(Params):
    trees: int = 300
    seed: int = 0


class Pipeline(Params):
    name: str = "default"
    training: Training = Training()


class Case(UseCase):
    def load_params(self) -> type[Params]:
        return Pipeline


CASE = Case(name="uc1", title="", flow="", params="")


def a_flow(params: Pipeline, skip: bool = False) -> None:  # noqa: FBT001, FBT002
    del params, skip


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


def test_a_preset_replaces_whole_sections_of_the_settings(tmp_path: Path) -> None:
    file = tmp_path / "params.yaml"
    file.write_text("training: {trees: 2}", "utf-8")
    section = {"training": {"trees": 1, "seed": 1}, "name": "mine"}

    values = gathered(CASE, settings(uc1=section), str(file))

    assert values == {"training": {"trees": 2}, "name": "mine"}


def test_an_assignment_changes_one_key_of_what_stands() -> None:
    section = {"training": {"trees": 1, "seed": 1}}

    values = gathered(CASE, settings(uc1=section), None, ["training.seed=3"])

    assert values == {"training": {"trees": 1, "seed": 3}}


def test_an_assignment_changes_one_key_of_a_default() -> None:
    values = gathered(CASE, settings(), None, ["training.seed=3"])

    assert values == {"training": {"trees": 300, "seed": 3}}


def test_settings_that_do_not_fit_the_params_are_named() -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'skip' \(section uc1\)"):
        gathered(CASE, settings(uc1={"skip": True}))


def test_an_argument_of_the_flow_must_fit_its_type() -> None:
    with pytest.raises(ConfigError, match=r"key 'skip': .* found 'maybe'"):
        _flow_arguments(a_flow, {"skip": "maybe"})


def test_arguments_of_the_flow_are_told_from_its_params() -> None:
    own, rest = _flow_arguments(a_flow, {"skip": "true", "name": "x"})

    assert (own, rest) == ({"skip": True}, {"name": "x"})


def test_params_that_are_neither_file_nor_preset_are_refused() -> None:
    with pytest.raises(NotFoundError, match="'nothing' is neither a file nor a preset"):
        gathered(CASE, settings(), "nothing")


def test_an_absent_use_case_lists_those_that_are_installed() -> None:
    with pytest.raises(NotFoundError, match="no use case 'uc9' is installed"):
        find("uc9")
