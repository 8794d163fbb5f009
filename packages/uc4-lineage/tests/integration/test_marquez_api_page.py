"""The page of the graph, as the server shows it."""

import json
import re
from typing import Any

import pytest
from fastapi.testclient import TestClient

from mlops_common.errors import ContractError
from mlops_common.lineage.store import LineageStore
from uc4_lineage.page.around import around, whole
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import run_event

EVENTS = [
    run_event("load", ["raw"], ["orders"], at=0),
    run_event("sum", ["orders"], ["revenue"], at=10),
    run_event("mail", ["customers"], ["letters"], at=20),
]


@pytest.fixture(autouse=True)
def told(store: LineageStore) -> None:
    assert store.ingest(EVENTS).stored == len(EVENTS)


def names(client: TestClient, path: str) -> set[str]:
    """Return the names of the nodes that a page shows."""
    answer = client.get(path)
    assert answer.headers["content-type"].startswith("text/html")
    assert "Content-Security-Policy" in answer.text
    found = re.search(r'id="data">(.*?)</script>', answer.text)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return {node["name"] for node in data["nodes"]}


def test_a_browser_that_opens_the_server_sees_the_whole_graph(
    client: TestClient,
) -> None:
    datasets = {"raw", "orders", "revenue", "customers", "letters"}
    assert names(client, "/") == {"load", "sum", "mail"} | datasets


def test_a_browser_may_ask_for_what_is_around_a_node(client: TestClient) -> None:
    assert names(client, "/?node=sum&depth=1") == {"orders", "sum", "revenue"}
    assert client.get("/?node=nothing").status_code == 404


def test_a_graph_that_no_page_can_show_is_not_gathered(reader: Reader) -> None:
    assert len(whole(reader, most=8).nodes) == 8
    with pytest.raises(ContractError, match="are 8; name the one to start from"):
        whole(reader, most=7)
    assert len(around(reader, "sum", most=5).nodes) == 5
    with pytest.raises(ContractError, match="shows 4 jobs and datasets at most"):
        around(reader, "sum", most=4)
