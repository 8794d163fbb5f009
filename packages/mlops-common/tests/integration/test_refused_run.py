"""What is told of runs that fail before their flow begins."""

from collections.abc import Iterator
from typing import Any

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.home import reset
from mlops_common.orchestration.session import orchestrated, quiet
from mlops_common.settings import Settings

pytestmark = pytest.mark.filterwarnings(
    # Prefect's own client leaves what it opened to the garbage collector.
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
    "ignore::DeprecationWarning",
)
PATIENCE = 60.0  # seconds
TOLD = "SELECT body FROM lineage.events WHERE job_name = %s ORDER BY event_time, id"


@pytest.fixture(scope="module", autouse=True)
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A home of its own, with a Prefect server."""
    home = tmp_path_factory.mktemp("home")
    platform = connect(Settings(home=home))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(home))
        patch.setenv("PREFECT_HOME", str(home / "profile"))
        patch.delenv("PREFECT_API_URL", raising=False)
        quiet()
        with orchestrated(platform):
            yield platform
    assert platform.lineage is not None
    platform.lineage.close(PATIENCE)
    reset(platform)


def told(platform: Platform, job: str) -> list[dict[str, Any]]:
    """Return the events of a job."""
    assert platform.lineage is not None
    assert platform.lineage.flush(PATIENCE)
    with platform.lineage_store.connect() as connection:
        return [body for (body,) in connection.execute(TOLD, (job,))]


def states(events: list[dict[str, Any]]) -> list[str]:
    return [event["eventType"] for event in events]


def test_a_run_whose_parameters_are_refused_is_told_as_failed(
    platform: Platform,
) -> None:
    from prefect.exceptions import ParameterTypeError

    from mlops_common.orchestration.flows import flow

    called: list[int] = []

    @flow("Refused flow")
    def refused_flow(count: int) -> None:
        called.append(count)

    with pytest.raises(ParameterTypeError):
        refused_flow("many")  # type: ignore[arg-type]

    events = told(platform, "refused_flow")
    assert called == []
    assert states(events) == ["START", "FAIL"]
    assert len({event["run"]["runId"] for event in events}) == 1
    assert "count" in events[1]["run"]["facets"]["errorMessage"]["message"]
    assert events[1]["job"]["facets"]["jobType"]["jobType"] == "FLOW"


def test_the_log_of_a_refused_run_says_what_to_correct(
    caplog: pytest.LogCaptureFixture,
) -> None:
    from prefect.exceptions import ParameterTypeError

    from mlops_common.orchestration.flows import flow

    @flow("Advised flow")
    def advised_flow(count: int) -> None:
        pass

    with pytest.raises(ParameterTypeError):
        advised_flow("many")  # type: ignore[arg-type]

    assert "Correct the parameters that the message names" in caplog.text
    assert "mistake in the pipeline" not in caplog.text


def test_a_part_of_a_run_that_is_refused_names_what_it_is_a_part_of(
    platform: Platform,
) -> None:
    from prefect.exceptions import ParameterTypeError

    from mlops_common.orchestration.flows import flow

    @flow("Refused part")
    def refused_part(count: int) -> None:
        pass

    @flow("Outer flow")
    def outer_flow() -> None:
        with pytest.raises(ParameterTypeError):
            refused_part("many")  # type: ignore[arg-type]

    outer_flow()

    start, end = told(platform, "refused_part")
    outer = told(platform, "outer_flow")
    assert states([start, end]) == ["START", "FAIL"]
    assert states(outer) == ["START", "COMPLETE"]
    parent = start["run"]["facets"]["parent"]["run"]["runId"]
    assert parent == outer[0]["run"]["runId"]


def test_a_run_that_fails_in_its_flow_is_told_once(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow

    @flow("Failing flow")
    def failing_flow() -> None:
        raise ValueError("no rows")

    with pytest.raises(ValueError, match="no rows"):
        failing_flow()

    assert states(told(platform, "failing_flow")) == ["START", "FAIL"]
