"""Times that a query may name, to the edges of the calendar."""

from collections.abc import Iterator
from datetime import datetime
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.events import run_event

API = "/api/v1"
PLACES = [
    "events/lineage?before=",
    "events/lineage?after=",
    "questions/up?node=raw&at=",
    "questions/down?node=raw&at=",
    "questions/impact?node=raw&at=",
    "questions/path?from=raw&to=load&at=",
    "questions/as-of?time=",
    "questions/diff?from=",
    "questions/diff?from=2026-01-01T00:00:00Z&to=",
    "questions/runs?since=",
    "questions/runs?at=",
    "questions/orphans?at=",
    "questions/stale?days=",
    "search?q=raw&before=",
    "search?q=raw&after=",
]
ZONES = ["", "Z", "+14:00", "-14:00", "+23:59", "-23:59", "+01:00"]


EDGES = [
    "0001-01-01T00:00:00+14:00",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59.999999-14:00",
    "9999-12-31T23:59:59.999999Z",
]
ENDS = [datetime(1, 1, 1), datetime(9999, 12, 31, 23, 59, 59, 999_999)]  # noqa: DTZ001 - the zone is added
DATABASE = "times_of_the_api"


@pytest.fixture(scope="module")
def client(postgres: Postgres) -> Iterator[TestClient]:
    """An API that does not hide its errors, over a run now and some at the edges."""
    postgres.ensure_database(DATABASE)
    store = LineageStore(postgres, DATABASE)
    with TestClient(application(store), raise_server_exceptions=False) as client:
        event = run_event("load", ["raw"], ["made"])
        assert client.post(f"{API}/lineage", json=event).status_code == 201
        for time in EDGES:
            edge = run_event(time, ["raw"], run=time) | {"eventTime": time}
            client.post(f"{API}/lineage", json=edge)
        yield client
    store.close()


texts = st.builds(
    lambda at, zone: at.isoformat() + zone,
    st.sampled_from(ENDS) | st.datetimes(),
    st.sampled_from(ZONES),
)
odd = st.text(max_size=30) | st.integers().map(str) | st.floats().map(str)


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), text=texts | odd)
def test_no_time_is_too_much_for_a_question(
    client: TestClient, place: str, text: str
) -> None:
    answer = client.get(f"{API}/{place}{quote(text)}")

    assert answer.status_code in {200, 400, 404}, (place, text, answer.text)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("text", EDGES)
def test_the_edge_of_the_calendar_is_answered(
    client: TestClient, place: str, text: str
) -> None:
    answer = client.get(f"{API}/{place}{quote(text)}")

    dated = "search" in place or "stale" in place  # these want a day, or a number
    beyond = text in {EDGES[0], EDGES[2]}
    expected = {400} if beyond else {200, 404}
    assert answer.status_code in ({200, 400} if dated else expected), answer.text
