"""Our own questions over HTTP."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.testing.postgres import temporary_database
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.events import DATA, dataset, run_event

API = "/api/v1"


@pytest.fixture(scope="module")
def client(postgres: Postgres, empty: str) -> Iterator[TestClient]:
    """An API over raw.x, a, clean.y, b, report.z, which is only read."""
    clean = dataset("clean", {"y": "int"}, {"y": ["raw.x"]})
    report = dataset("report", {"z": "int"}, {"z": ["clean.y"]})
    with (
        temporary_database(postgres, empty) as database,
        closing(LineageStore(postgres, database)) as store,
        TestClient(application(store)) as client,
    ):
        client.post(
            f"{API}/lineage",
            json=[
                run_event("a", [dataset("raw", {"x": "int"})], [clean]),
                run_event("b", ["clean"], [report], at=60),
                run_event("b", ["clean"], state="START", at=70),
            ],
        )
        yield client


def asked(client: TestClient, question: str, **query: Any) -> Any:
    answer = client.get(f"{API}/questions/{question}", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_what_something_was_made_from_and_what_is_made_from_it(
    client: TestClient,
) -> None:
    def names(direction: str, **query: Any) -> list[str]:
        found = asked(client, direction, **query)["reached"]
        return [each["node"]["name"] for each in found]

    assert names("up", node="report") == ["b", "clean", "a", "raw"]
    assert names("down", node="raw", depth=1) == ["a"]
    assert names("down", node="raw", at="2026-01-01T00:30:00Z") == ["a", "clean"]


def test_what_breaks_when_a_column_changes(client: TestClient) -> None:
    found = asked(client, "impact", node="raw.x")

    affected = [each["node"]["id"] for each in found["affected"]]
    assert f"datasetField:{DATA}:report:z" in affected


def test_what_would_have_broken_at_a_time(client: TestClient) -> None:
    found = asked(client, "impact", node="raw.x", at="2026-01-01T00:30:00Z")

    affected = [each["node"]["id"] for each in found["affected"]]
    assert affected == [f"datasetField:{DATA}:clean:y", "job:etl:a"]
    assert found["at"] == "2026-01-01T00:30:00Z"


def test_the_way_from_one_to_another(client: TestClient) -> None:
    found = asked(client, "path", **{"from": "raw", "to": "report"})

    assert [node["name"] for node in found] == ["raw", "a", "clean", "b", "report"]


def test_the_graph_of_a_time_and_what_came_after(client: TestClient) -> None:
    half_past = "2026-01-01T00:30:00Z"

    then = asked(client, "as-of", time=half_past)
    since = asked(client, "diff", **{"from": half_past})

    assert [job["name"] for job in then["jobs"]] == ["a"]
    assert [job["name"] for job in since["jobs_added"]] == ["b"]


def test_runs_orphans_and_what_is_stale(client: TestClient) -> None:
    assert len(asked(client, "runs")) == 3
    assert [run["job"]["name"] for run in asked(client, "runs", job="a")] == ["a"]
    assert len(asked(client, "runs", state="RUNNING", limit=1)) == 1
    orphans = asked(client, "orphans")
    assert [each["name"] for each in orphans["never_written"]] == ["raw"]
    assert [each["name"] for each in orphans["never_read"]] == ["report"]
    assert len(asked(client, "stale", days=1)["runs"]) == 1


def test_runs_and_orphans_of_a_time(client: TestClient) -> None:
    half_past = "2026-01-01T00:30:00Z"

    assert [run["job"]["name"] for run in asked(client, "runs", at=half_past)] == ["a"]
    orphans = asked(client, "orphans", at=half_past)
    assert [each["name"] for each in orphans["never_read"]] == ["clean"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("questions/up?node=nothing", 404),
        ("questions/up", 400),
        ("questions/up?node=raw&depth=0", 400),
        ("questions/as-of?time=yesterday", 400),
        ("questions/diff", 400),
        ("questions/path?from=raw&to=%00", 400),
        ("trace/model/churn/1", 404),
        ("trace/model/churn/first", 400),
        ("trace/prediction/7", 404),
    ],
)
def test_a_question_that_has_no_answer_is_told(
    client: TestClient, path: str, status: int
) -> None:
    answer = client.get(f"{API}/{path}")

    assert answer.status_code == status, answer.text
    assert answer.json()["code"] == status


def test_a_hundred_who_ask_at_once_are_all_answered(client: TestClient) -> None:
    def status(question: str) -> int:
        return client.get(f"{API}/{question}").status_code

    questions = ["questions/orphans", "questions/runs", "jobs", "tags"] * 25
    with ThreadPoolExecutor(len(questions)) as threads:
        statuses = list(threads.map(status, questions))

    assert statuses == [200] * len(questions)
