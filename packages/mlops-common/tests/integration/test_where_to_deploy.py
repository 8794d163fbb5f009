"""What `nox -s deploy-…` says where nothing can take its deployments."""

from collections.abc import Mapping
from pathlib import Path

from mlops_common.ports import free_port
from mlops_common.testing.command import Said, python


def checked(folder: Path, variables: Mapping[str, str]) -> Said:
    """Check as one who has no profile."""
    own = {"PREFECT_HOME": str(folder / "profile"), "PREFECT_API_URL": ""}
    module = ("-m", "mlops_common.orchestration.deployments.deploying")
    return python(*module, variables={**own, **variables}, folder=folder)


def test_without_an_api_it_says_how_to_name_or_start_one(tmp_path: Path) -> None:
    said = checked(tmp_path, {})

    assert said.code == 1
    assert "no Prefect API is configured; set PREFECT_API_URL" in said.err
    assert "`mlops up`" in said.err
    assert "Traceback" not in said.err


def test_an_api_where_nobody_answers_is_named_without_its_password(
    tmp_path: Path,
) -> None:
    where = f"127.0.0.1:{free_port()}/api"

    said = checked(tmp_path, {"PREFECT_API_URL": f"http://ann:hunter2@{where}"})

    assert said.code == 1
    assert "no Prefect API can be reached at" in said.err
    assert where in said.err
    assert "hunter2" not in said.err
    assert "Traceback" not in said.err
