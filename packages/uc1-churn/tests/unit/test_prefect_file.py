"""What `prefect.yaml` of this package says."""

from importlib.resources import files
from pathlib import Path

import pytest

from mlops_common.deployments import POOL, Deployment, Schedule, find
from uc1_churn.use_case import USE_CASE

FOLDER = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return find("uc1")


def test_it_lies_in_the_package_and_where_one_deploys(deployment: Deployment) -> None:
    assert deployment.file == Path(str(files("uc1_churn"))) / "prefect.yaml"
    assert (FOLDER / "prefect.yaml").read_text() == deployment.file.read_text()


def test_it_retrains_every_morning_one_run_at_a_time(deployment: Deployment) -> None:
    assert deployment.name == "churn-prediction-daily"
    assert deployment.tags == ("uc1", "churn")
    assert deployment.schedules == (Schedule("0 6 * * *", slug="daily"),)
    assert deployment.limit == 1
    assert deployment.collision == "ENQUEUE"
    assert deployment.pool == POOL


def test_its_entrypoint_is_the_flow_of_the_use_case(deployment: Deployment) -> None:
    module, _, name = deployment.entrypoint.rpartition(".")

    assert f"{module}:{name}" == USE_CASE.flow
