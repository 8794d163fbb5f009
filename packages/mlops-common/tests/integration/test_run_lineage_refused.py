"""What is told of runs that fail before their flow begins."""

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.testing.run_lineage import parent, states, told

pytestmark = [*PREFECT_CLIENT, pytest.mark.usefixtures("platform")]


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
        refused_flow("many")  # type: ignore[call-overload]

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
        advised_flow("many")  # type: ignore[call-overload]

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
            refused_part("many")  # type: ignore[call-overload]

    outer_flow()

    start, end = told(platform, "refused_part")
    outer = told(platform, "outer_flow")
    assert states([start, end]) == ["START", "FAIL"]
    assert states(outer) == ["START", "COMPLETE"]
    assert parent(start)[1] == outer[0]["run"]["runId"]


def test_a_run_that_fails_in_its_flow_is_told_once(platform: Platform) -> None:
    from mlops_common.orchestration.flows import flow

    @flow("Failing flow")
    def failing_flow() -> None:
        raise ValueError("no rows")

    with pytest.raises(ValueError, match="no rows"):
        failing_flow()

    assert states(told(platform, "failing_flow")) == ["START", "FAIL"]
