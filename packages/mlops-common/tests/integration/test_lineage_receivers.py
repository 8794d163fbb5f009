"""Each receiver keeps the contract: the store, Marquez's double, and Marquez itself."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import ConfigError
from mlops_common.lineage.receivers.base import Receiver
from mlops_common.lineage.receivers.composite import receivers
from mlops_common.lineage.receivers.embedded import EmbeddedReceiver
from mlops_common.lineage.receivers.marquez import MarquezReceiver
from mlops_common.lineage.store import LineageStore
from mlops_common.postgres.database import Postgres
from mlops_common.sections import LineageSettings
from mlops_common.settings import Settings
from mlops_common.testing.lineage import (
    DEFAULTS,
    ReceiverContract,
    Taken,
    a_run,
    an_event,
    an_observation,
)
from mlops_common.testing.lineage_receiver import MarquezDouble
from mlops_common.testing.marquez import marquez_url

WAIT = 60.0  # seconds; on a busy machine
JOB_RUNS = f"namespaces/{DEFAULTS.namespace}/jobs/flow.task/runs"
STORED = "SELECT run_id::text FROM lineage.events ORDER BY id"


def stored(store: LineageStore) -> list[str]:
    with store.connect() as connection:
        return [run for (run,) in connection.execute(STORED).fetchall()]


class TestEmbedded(ReceiverContract):
    @pytest.fixture
    def store(self, postgres: Postgres, database: str) -> Iterator[LineageStore]:
        store = LineageStore(postgres, database)
        yield store
        store.close()

    @pytest.fixture
    def receiver(self, store: LineageStore) -> Iterator[Receiver]:
        receiver = EmbeddedReceiver(lambda: store)
        yield receiver
        receiver.close()

    @pytest.fixture
    def taken(self, store: LineageStore) -> Taken:
        return lambda: stored(store)


class TestMarquez(ReceiverContract):
    @pytest.fixture
    def receiver(self, marquez: MarquezDouble) -> Iterator[Receiver]:
        receiver = MarquezReceiver(LineageSettings(url=marquez.url))
        yield receiver
        receiver.close()

    @pytest.fixture
    def taken(self, marquez: MarquezDouble) -> Taken:
        return lambda: marquez.runs


class TestRunningMarquez(ReceiverContract):
    """Its runs outlive a test: those were told whose events became more."""

    @pytest.fixture
    def receiver(self) -> Iterator[Receiver]:
        receiver = MarquezReceiver(LineageSettings(url=marquez_url()))
        yield receiver
        receiver.close()

    @pytest.fixture
    def taken(self) -> Taken:
        before = self.events()
        return lambda: [run for run in self.runs() if self.events()[run] > before[run]]

    def events(self) -> Counter[str]:
        """Number of events by run."""
        listed = self.listed("events/lineage", "events")
        return Counter(event["run"]["runId"] for event in listed)

    def runs(self) -> list[str]:
        """The runs of the job that the contract tells of, in their order."""
        listed = self.listed(JOB_RUNS, "runs")
        return [run["id"] for run in sorted(listed, key=lambda run: run["createdAt"])]

    def listed(self, path: str, what: str) -> list[dict[str, Any]]:
        url = f"{marquez_url()}/api/v1/{path}"
        found: list[dict[str, Any]]
        found = httpx.get(url, params={"limit": 10_000}).json().get(what, [])
        return found


@pytest.mark.parametrize("path", ["", "/", "/base", "/base/"])
def test_the_path_of_the_url_is_kept(marquez: MarquezDouble, path: str) -> None:
    endpoint = f"{path.strip('/')}/api/v1/lineage".strip("/")
    whole = MarquezReceiver(LineageSettings(url=f"{marquez.url}{path}"))
    assert whole._url == f"{marquez.url}{path.rstrip('/')}/"

    receiver = MarquezReceiver(LineageSettings(url=marquez.url, endpoint=endpoint))
    if not path.strip("/"):
        receiver.take([an_event(1)])
        assert marquez.runs == [a_run(1)]
    receiver.close()


@pytest.mark.parametrize("url", ["http://", "https://"])
def test_what_is_no_url_is_told(url: str) -> None:
    with pytest.raises(ConfigError, match=r"lineage\.url .* is no URL"):
        MarquezReceiver(LineageSettings(url=url)).take([an_event(1)])


def test_the_settings_choose_who_is_told() -> None:
    def names(**chosen: object) -> list[str]:
        settings = LineageSettings.model_validate(chosen)
        return [type(one).__name__ for one in receivers(settings, _no_store)]

    assert names() == ["EmbeddedReceiver"]
    assert names(url="http://m:5000") == ["EmbeddedReceiver", "MarquezReceiver"]
    assert names(url="http://m:5000", embedded=False) == ["MarquezReceiver"]
    assert names(embedded=False) == []


def test_one_that_is_away_holds_up_no_other(
    postgres: Postgres, marquez: MarquezDouble
) -> None:
    assert postgres.server is not None
    settings = Settings(
        home=postgres.server.home, lineage=LineageSettings(url=marquez.url)
    )
    platform = Platform(settings)
    lineage = platform.lineage
    assert lineage is not None
    marquez.go()
    for number in range(5):
        lineage.emit(an_observation(number))
    assert not lineage.flush(WAIT)
    lineage.close()
    told = [a_run(number) for number in range(5)]
    assert [run for run in stored(platform.lineage_store) if run in told] == told

    marquez.come()
    drained = lineage.drain(WAIT)

    assert (drained.told, drained.left, drained.problems) == (5, 0, {})
    assert marquez.runs == told
    assert not (Path(settings.home) / "lineage/spool/refused.jsonl").exists()
    platform.lineage_store.close()


def _no_store() -> LineageStore:
    raise AssertionError
