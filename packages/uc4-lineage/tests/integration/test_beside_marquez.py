"""The same events told to a running Marquez and to us, and every answer compared."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import httpx
import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from mlops_common.testing.marquez import marquez_url
from mlops_common.testing.shared import shared
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.beside import differences, renamed
from uc4_lineage.testing.churn import served, trained

API = "/api/v1"
SAMPLE = "data/lineage/marquez_food_delivery/metadata.json"
EVENTS = Path(__file__).parent / "events"
PATIENCE = 60.0  # seconds; some answers of Marquez take long

# Where we say something else on purpose; the README says why.
KNOWN = re.compile(
    r"""
    updatedAt$ | nominal_(start|end)_time$
    | ^job_version.*latestRun\.facets
    | ^dataset_versions\.versions\[\]\.createdAt$
    """,
    re.VERBOSE,
)
KNOWN_OF = {
    "airflow": re.compile(r"^lineage\.graph\[\]\.data\.(latestRun\.|currentRunUuid)"),
    "dbt": re.compile(r"jobVersion\.name$|^search\.results|dataQualityAssertions$"),
}


def told(name: str) -> list[dict[str, Any]]:
    """Return the events of a name."""
    if name == "churn":
        model = trained(1, "customers@v1", 0) + trained(2, "customers@v2", 10)
        return [event for event in model + served(20) if "run" in event]
    path = shared(SAMPLE) if name == "sample" else EVENTS / f"{name}.json"
    events: list[dict[str, Any]] = json.loads(path.read_text("utf-8"))
    return events


class Beside:
    """A Marquez and our server, which were told the same."""

    def __init__(
        self, theirs: httpx.Client, ours: TestClient, events: list[dict[str, Any]]
    ) -> None:
        self.theirs = theirs
        self.ours = ours
        self.runs = frozenset(event["run"]["runId"] for event in events)
        for event in events:
            for server in (theirs, ours):
                assert server.post(f"{API}/lineage", json=event).status_code == 201

    def differences(self, what: str, path: str, **query: str) -> set[str]:
        """Return the places in the answers to a question that differ."""
        theirs = self.theirs.get(API + path, params=query)
        if theirs.is_error or not theirs.content:
            return set()  # we know more, or it fails: it does over its own sample
        ours = self.ours.get(API + path, params=query)
        if theirs.status_code != ours.status_code:
            return {f"{what}: {theirs.status_code}, we {ours.status_code}"}
        found = differences(theirs.json(), ours.json(), self.runs, what)
        return {place for place, _, _ in found}

    def listed(self, what: str, namespace: str) -> list[str]:
        """Return the names of the jobs or datasets that both know by one name."""
        path = f"{API}/namespaces/{quote(namespace, safe='')}/{what}"
        pages = [server.get(path, params={"limit": "1000"}) for server in self.both]
        names = [{each["name"] for each in page.json().get(what, [])} for page in pages]
        return sorted(names[0] & names[1])

    @property
    def both(self) -> tuple[httpx.Client, TestClient]:
        return self.theirs, self.ours


@pytest.fixture(params=["sample", "airflow", "dbt", "churn"])
def name(request: pytest.FixtureRequest) -> str:
    """Of the events that are told."""
    return str(request.param)


@pytest.fixture
def beside(name: str, store: LineageStore) -> Iterator[Beside]:
    url = marquez_url()
    events = renamed(told(name), f"t{uuid4().hex[:8]}")
    with (
        httpx.Client(base_url=url, timeout=PATIENCE) as theirs,
        TestClient(application(store)) as ours,
    ):
        yield Beside(theirs, ours, events)


def questions(beside: Beside) -> Iterator[tuple[str, str, dict[str, str]]]:
    """Yield what is asked: what it is of, the path and the query."""
    page = beside.ours.get(f"{API}/namespaces", params={"limit": "1000"}).json()
    for namespace in (each["name"] for each in page["namespaces"]):
        space = f"/namespaces/{quote(namespace, safe='')}"
        yield "namespace", space, {}
        yield "search", "/search", {"q": "o", "namespace": namespace, "limit": "1000"}
        for kind in ("jobs", "datasets"):
            for name in beside.listed(kind, namespace):
                one = f"{space}/{kind}/{quote(name, safe='')}"
                node = f"{kind[:-1]}:{namespace}:{name}"
                yield from _of_one(kind[:-1], one, node)
    for run in beside.runs:
        yield "run", f"/jobs/runs/{run}", {}
        for kind in ("run", "job"):
            yield f"facets of {kind}", f"/jobs/runs/{run}/facets", {"type": kind}
        yield "runs upstream", "/runlineage/upstream", {"runId": run, "depth": "2"}


def _of_one(
    kind: str, path: str, node: str
) -> Iterator[tuple[str, str, dict[str, str]]]:
    yield kind, path, {}
    yield f"{kind}_versions", f"{path}/versions", {"limit": "1000"}
    if kind == "job":
        yield "runs", f"{path}/runs", {"limit": "1000"}
        yield "lineage", "/lineage", {"nodeId": node}
        yield "lineage", "/lineage", {"nodeId": node, "depth": "1"}
    yield "column_lineage", "/column-lineage", {"nodeId": node}


def test_each_answer_holds_what_marquez_answers(beside: Beside, name: str) -> None:
    known = [KNOWN, KNOWN_OF[name]] if name in KNOWN_OF else [KNOWN]
    asked = [*questions(beside)]
    found: set[str] = set()
    for what, path, query in asked:
        found |= beside.differences(what, path, **query)

    assert asked
    new = {place for place in found if not any(one.search(place) for one in known)}
    assert sorted(new) == []
