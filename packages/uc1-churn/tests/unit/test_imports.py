"""A step pays for the libraries that it uses, and for no others."""

import pytest

from mlops_common.testing.command import python

OF_ONE_STEP = {
    *("boto3", "dvc", "feast", "great_expectations", "ibis", "jinja2", "kfp"),
    *("kserve", "kubernetes", "lightgbm", "matplotlib", "mlflow", "skops", "sklearn"),
}
PROGRAM = """
import sys
from importlib import import_module
import_module(sys.argv[1])
print(*{name.partition(".")[0] for name in sys.modules})
"""


def imported_by(module: str) -> set[str]:
    said = python("-c", PROGRAM, module)
    assert said.code == 0, said.err
    return set(said.out.split())


@pytest.mark.parametrize(
    "module", ["uc1_churn.flows.churn_pipeline", "uc1_churn.serving"]
)
def test_libraries_of_one_step_are_not_imported_with(module: str) -> None:
    names = imported_by(module)

    assert "uc1_churn" in names
    assert names & OF_ONE_STEP == set()


def test_params_are_read_without_any_library_of_data() -> None:
    names = imported_by("uc1_churn.config")

    assert names & {*OF_ONE_STEP, "duckdb", "numpy", "pandas", "pyarrow"} == set()
