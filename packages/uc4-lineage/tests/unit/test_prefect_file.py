"""What `prefect.yaml` of this package says."""

from importlib.resources import files
from pathlib import Path

import pytest

from mlops_common.deployments import POOL, Deployment, Schedule, find
from uc4_lineage.use_case import USE_CASE

FOLDER = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def deployment() -> Deployment:
    return find("uc4")


def test_it_lies_in_the_package_and_where_one_deploys(deployment: Deployment) -> None:
    assert deployment.file == Path(str(files("uc4_lineage"))) / "prefect.yaml"
    assert (FOLDER / "prefect.yaml").read_text() == deployment.file.read_text()


def test_it_audits_every_morning_after_the_model_was_made(
    deployment: Deployment,
) -> None:
    assert deployment.name == "lineage-audit-daily"
    assert deployment.tags == ("uc4", "lineage")
    assert deployment.schedules == (Schedule("0 8 * * *", slug="daily"),)
    assert deployment.limit == 1
    assert deployment.pool == POOL


def test_its_entrypoint_is_the_flow_of_the_use_case(deployment: Deployment) -> None:
    module, _, name = deployment.entrypoint.rpartition(".")

    assert f"{module}:{name}" == USE_CASE.flow
