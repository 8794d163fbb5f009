"""Who may call the API."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient

from mlops_common.lineage.store import LineageStore
from uc4_lineage.marquez_api.application import application
from uc4_lineage.testing.events import run_event

POST = "/api/v1/lineage"
TAGS = "/api/v1/tags"
KEY = "s3cret"


@pytest.fixture
def guarded(store: LineageStore) -> Iterator[TestClient]:
    with TestClient(application(store, KEY)) as client:
        yield client


@pytest.fixture
def local(store: LineageStore) -> Iterator[TestClient]:
    app = application(store, hosts={"127.0.0.1", "localhost", "[::1]"})
    with TestClient(app, base_url="http://localhost:5000") as client:
        yield client


@pytest.mark.parametrize(
    "header",
    [None, "", "Bearer", "Bearer wrong", f"Basic {KEY}", KEY, f"Bearer {KEY}x"],
)
def test_without_the_key_nothing_is_read_or_written(
    guarded: TestClient, header: str | None
) -> None:
    headers = {} if header is None else {"Authorization": header}
    answers = [
        guarded.get(TAGS, headers=headers),
        guarded.post(POST, json=run_event("load"), headers=headers),
        guarded.get("/api/v1/nothing", headers=headers),
    ]

    assert [answer.status_code for answer in answers] == [401] * 3
    assert answers[0].headers["WWW-Authenticate"] == "Bearer"
    assert answers[0].json()["code"] == 401
    assert KEY not in answers[0].text


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_with_the_key_all_is_answered(guarded: TestClient, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {KEY}"}

    assert guarded.post(POST, json=run_event("a"), headers=headers).status_code == 201
    assert guarded.get(TAGS, headers=headers).status_code == 200


def test_whether_the_server_runs_is_no_secret(guarded: TestClient) -> None:
    assert guarded.get("/health").json() == {"status": "ok"}


@pytest.mark.parametrize(
    "host", ["localhost", "LOCALHOST:5000", "127.0.0.1:5000", "[::1]"]
)
def test_this_machine_may_call_without_a_key(local: TestClient, host: str) -> None:
    assert local.get(TAGS, headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example:5000", ""])
def test_a_page_that_names_its_own_host_after_this_machine_is_refused(
    local: TestClient, host: str
) -> None:
    assert local.get(TAGS, headers={"Host": host}).status_code == 403


def test_no_other_site_is_allowed_to_read_answers(local: TestClient) -> None:
    origin = {"Origin": "https://evil.example"}
    asked = origin | {"Access-Control-Request-Method": "POST"}

    for answer in (local.get(TAGS, headers=origin), local.options(POST, headers=asked)):
        assert not [
            name for name in answer.headers if name.startswith("access-control")
        ]


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_no_page_loads_scripts_from_elsewhere(local: TestClient, path: str) -> None:
    assert local.get(path).status_code == 404


def test_a_browser_takes_no_answer_for_a_page(local: TestClient) -> None:
    local.post(POST, json=run_event("<script>alert(1)</script>"))
    answer = local.get(
        "/api/v1/namespaces/etl/jobs/%3Cscript%3Ealert(1)%3C%2Fscript%3E"
    )

    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


FOREIGN = [
    {"Origin": "https://evil.example"},
    {"Origin": "http://localhost.evil.example:5000"},
    {"Origin": "null"},  # of a sandboxed frame, or of a file
    {"Sec-Fetch-Site": "cross-site"},
    {"Origin": "http://localhost:5000", "Sec-Fetch-Site": "cross-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_a_page_of_another_site_changes_nothing(
    local: TestClient, headers: dict[str, str]
) -> None:
    local.post(POST, json=run_event("load", state="START"))
    job = "/api/v1/namespaces/etl/jobs/load"
    (run,) = local.get(f"{job}/runs").json()["runs"]
    end = f"/api/v1/jobs/runs/{run['id']}/complete"

    statuses = [
        local.post(end, headers=headers).status_code,  # needs no body
        local.post(POST, json=run_event("other"), headers=headers).status_code,
        local.delete(job, headers=headers).status_code,
        local.put(f"{TAGS}/pii", json={}, headers=headers).status_code,
    ]

    assert statuses == [403] * 4
    assert local.get(f"{job}/runs").json()["runs"][0]["state"] == "RUNNING"
    assert local.get(TAGS, headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://127.0.0.1:3000"},
        {"Origin": "http://[::1]"},
        {"Origin": "http://localhost:5000", "Sec-Fetch-Site": "same-origin"},
    ],
)
def test_a_page_of_this_machine_may_change_things(
    local: TestClient, headers: dict[str, str]
) -> None:
    answer = local.post(POST, json=run_event("load"), headers=headers)

    assert answer.status_code == 201


def test_with_a_key_any_page_that_knows_it_may_call(guarded: TestClient) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "Origin": "https://ours.example"}

    assert guarded.post(POST, json=run_event("a"), headers=headers).status_code == 201


@pytest.mark.parametrize(
    "path", ["/health", TAGS, "/api/v1/questions/orphans", "/api/v1/jobs/runs/7"]
)
def test_who_asks_for_the_head_gets_that_of_the_answer(
    local: TestClient, path: str
) -> None:
    local.post(POST, json=run_event("load", ["raw"]))
    whole, head = local.get(path), local.head(path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["Content-Type"] == whole.headers["Content-Type"]
    assert head.headers["Content-Length"] == str(len(whole.content))
