"""One customer's prediction of a real run of UC1, traced to the source's columns.

It needs both wheels, so that it runs where all packages are installed.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest

from mlops_common import use_case
from mlops_common.bootstrap import Platform, connect
from mlops_common.home import reset
from mlops_common.processes import wait_until
from mlops_common.testing.command import mlops
from mlops_common.testing.postgres import temporary_home

CUSTOMER = {
    "customer_id": 17,
    "age": 24.0,
    "tenure_months": 6.0,
    "total_purchases": 38.0,
    "avg_order_value": 29.35,
    "days_since_last_purchase": 4.0,
    "support_tickets_count": 0.0,
    "gender": "female",
}
FEATURES = {*CUSTOMER} - {"customer_id"}
SOURCE = "customers.public.customers"
PATIENCE = 60.0  # seconds

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(
        "uc1" not in use_case.installed(), reason="needs the wheel of UC1 too"
    ),
]


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    """A new home; no settings of the user's."""
    with temporary_home() as home, pytest.MonkeyPatch.context() as patch:
        for name in ("MLOPS_CONFIG", "PREFECT_API_URL"):
            patch.delenv(name, raising=False)
        patch.chdir(home)
        patch.setenv("MLOPS_HOME", str(home))
        yield home
        reset(connect())


@pytest.fixture(scope="module")
def run(home: Path) -> dict[str, Any]:
    """What the demo says of its run."""
    said = mlops("demo", "--customers=500", "--months=4", "--json", folder=home)
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


@pytest.fixture(scope="module")
def request_id(run: dict[str, Any]) -> str:
    """The number of one answered, and logged, request."""
    endpoint = run["endpoint"]
    url = f"{endpoint['url']}/v1/models/{endpoint['name']}:predict"
    data = json.dumps({"instances": [CUSTOMER]}).encode()
    with urlopen(Request(url, data=data), timeout=60) as answer:  # noqa: S310 - loopback
        number = str(json.load(answer)["id"])
    assert wait_until(lambda: logged(connect(), number), PATIENCE, pause=0.2)
    return number


def logged(platform: Platform, number: str) -> bool:
    query = "SELECT count(*) FROM serving.predictions WHERE request_id = %s"
    with platform.postgres.connect("mlops") as connection:
        return connection.execute(query, (number,)).fetchone() == (1,)


@pytest.fixture(scope="module")
def trace(home: Path, request_id: str) -> dict[str, Any]:
    said = mlops("trace", "prediction", request_id, "--json", folder=home)
    assert said.code == 0, said.err
    found: dict[str, Any] = json.loads(said.out)
    return found


def test_each_feature_of_a_customer_leads_to_its_column_of_the_source(
    trace: dict[str, Any],
) -> None:
    (prediction,) = trace["predictions"]
    assert prediction["entity"] == str(CUSTOMER["customer_id"])
    assert {one["name"] for one in trace["features"]} == FEATURES
    for feature in trace["features"]:
        last = feature["chain"]["hops"][-1]
        origin = (last["origin"]["name"], last["origin"]["field"])
        assert origin == (SOURCE, feature["name"])
        assert last["job"]["name"].endswith(".extract_from_postgres")
        assert feature["value"] == CUSTOMER[feature["name"]]


def test_the_copy_of_the_source_table_is_told(trace: dict[str, Any]) -> None:
    copies = [query["text"] for query in trace["queries"] if "COPY" in query["text"]]

    assert [text for text in copies if '"customers"' in text]


def test_a_prediction_leads_to_the_snapshot_the_commit_and_the_run(
    trace: dict[str, Any], run: dict[str, Any]
) -> None:
    told = json.dumps(trace["model"])

    assert run["dataset"]["revision"] in told
    assert run["model"]["run_id"] in told
    assert run["model"]["uri"] in told


def test_a_column_of_the_source_breaks_the_endpoint(
    home: Path, trace: dict[str, Any]
) -> None:
    assert trace
    said = mlops("lineage", "impact", f"{SOURCE}.age", "--json", folder=home)

    assert said.code == 0, said.err
    for broken in ("kserve://", "mlflow://", "feast://", "serving.predictions"):
        assert broken in said.out


def test_the_audit_of_the_day_finds_nothing_missing(
    home: Path, trace: dict[str, Any]
) -> None:
    assert trace
    said = mlops("run", "uc4", "--json", folder=home)

    assert said.code == 0, said.err
    coverage = json.loads(said.out)["coverage"]
    assert [run["lineage"] for run in coverage["runs"]] == ["whole"]
    assert coverage["schemas"]["having"] == coverage["schemas"]["all"] > 10
    assert coverage["owners"] == coverage["schemas"]
