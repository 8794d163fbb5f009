"""Which runs ended in a period, asked of a Prefect server."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import EntryPoint

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.orchestration.deployments import history
from mlops_common.orchestration.deployments.history import EndedRun, ended_runs
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.ports import free_port
from mlops_common.testing.marks import PREFECT_CLIENT
from mlops_common.use_case import GROUP

pytestmark = PREFECT_CLIENT
HOUR = timedelta(hours=1)


@pytest.fixture(scope="module")
def url(platform: Platform) -> Iterator[str]:
    """A server at which runs of three flows ended, two of them of UC9."""
    from prefect import flow

    @flow(name="UC9: Bread Pipeline", flow_run_name="good")
    def bake() -> None:
        """Do nothing."""

    @flow(name="UC9: Bread Quality", flow_run_name="bad")
    def taste() -> None:
        raise ValueError("burnt")

    @flow(name="Not UC9: Bread", flow_run_name="foreign")
    def steal() -> None:
        """Do nothing."""

    installed = [EntryPoint("uc9", "bread:USE_CASE", GROUP)]
    with pytest.MonkeyPatch.context() as patch, orchestrated(platform) as url:
        patch.setattr(history, "points", lambda: installed)
        for one in (bake, taste, steal):
            with contextlib.suppress(ValueError):
                one()
        yield url


def by_hand(url: str, start: datetime, end: datetime) -> list[EndedRun]:
    return [one for one in ended_runs(url, start, end) if not one.deployment]


def test_runs_of_the_installed_use_cases_are_told_however_they_ended(
    url: str,
) -> None:
    now = datetime.now(UTC)

    found = by_hand(url, now - HOUR, now + HOUR)

    assert [(one.name, one.flow, one.deployment, one.state) for one in found] == [
        ("good", "UC9: Bread Pipeline", "", "Completed"),
        ("bad", "UC9: Bread Quality", "", "Failed"),
    ]


def test_a_run_belongs_to_the_period_in_which_it_ended(url: str) -> None:
    now = datetime.now(UTC)
    first, second = by_hand(url, now - HOUR, now + HOUR)

    assert by_hand(url, now - 2 * HOUR, now - HOUR) == []
    assert by_hand(url, first.ended, second.ended) == [first, second]
    assert by_hand(url, second.ended, now) == [second]


def test_all_are_told_where_the_api_tells_them_in_parts(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = datetime.now(UTC)
    whole = ended_runs(url, now - HOUR, now)
    monkeypatch.setattr(history, "PAGE", 1)

    assert ended_runs(url, now - HOUR, now) == whole


def test_a_run_of_a_deployment_says_whose_it_is(url: str) -> None:
    from prefect.client.orchestration import get_client
    from prefect.client.schemas.objects import StateType
    from prefect.states import Completed, Running

    with get_client(sync_client=True) as client:
        flow = client.read_flow_by_name("UC9: Bread Pipeline")
        number = client.create_deployment(flow_id=flow.id, name="bread-daily")
        run = client.create_flow_run_from_deployment(number, name="deployed")
        client.set_flow_run_state(run.id, Running(), force=True)
        client.set_flow_run_state(run.id, Completed(), force=True)
        # One that is not begun, and one that goes on.
        client.create_flow_run_from_deployment(number)
        other = client.create_flow_run_from_deployment(number)
        client.set_flow_run_state(other.id, Running(), force=True)
        assert client.read_flow_run(run.id).state_type is StateType.COMPLETED
    now = datetime.now(UTC)

    found = [one for one in ended_runs(url, now - HOUR, now) if one.deployment]

    assert [(one.id, one.name, one.deployment) for one in found] == [
        (run.id, "deployed", "bread-daily")
    ]


def test_where_nobody_answers_the_address_is_named() -> None:
    now = datetime.now(UTC)

    with pytest.raises(BackendError, match="no Prefect API can be reached at"):
        ended_runs(f"http://127.0.0.1:{free_port()}/api", now - HOUR, now)
