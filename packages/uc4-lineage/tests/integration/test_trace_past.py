"""A prediction is traced as it was made, whatever was trained and served since."""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.lineage.store import LineageStore
from mlops_common.settings import Settings
from uc4_lineage.reading import Reader
from uc4_lineage.testing.churn import LOCAL, LOG, LOG_SQL, MODELS, SERVICES, version
from uc4_lineage.testing.events import dataset, job_event, minute, run_event
from uc4_lineage.trace.facts import Step
from uc4_lineage.trace.prediction import PredictionTrace, trace_prediction

INSERT = """
INSERT INTO serving.predictions
VALUES (gen_random_uuid(), 0, %s, %s, 'churn', %s, %s, '951', %s, 0.25)
"""
STATEMENT = "SELECT {} FROM shop"
KNOWN = {"run_id": "m1", "page": "http://127.0.0.1:5001/m1"}
FACET = {"_producer": "https://x.org", "_schemaURL": "https://x.org/f.json"}


@dataclass(frozen=True)
class Round:
    """One run of a pipeline: what it makes the feature from, and which version of it.

    Attributes:
        number: Of the version of the model that it trains.
        column: Of the source, which the feature is made from.
        at: Minute in which it starts.
        service: What it deploys to; empty where the gate refused.
    """

    number: int
    column: str
    at: float
    service: str = "churn"

    def events(self) -> list[dict[str, Any]]:
        """Return what it tells."""
        source, made, at = f"shop.{self.column}", f"t{self.number}", self.at
        table = dataset(
            "features",
            origins={"spend": [source]},
            namespace="file",
            facets=version(made),
        )
        view = dataset(
            "view",
            origins={"spend": [("file", "features", "spend")]},
            namespace="feast://customers",
        )
        model = dataset(
            "churn",
            namespace=MODELS,
            facets=version(f"{self.number}", mlops_model=KNOWN),
        )
        read = dataset("features", namespace="file", facets=version(made))
        passed = {"model": "churn", "version": self.number, "passed": True}
        done = [
            self._job("derive", run_event("derive", ["shop"], [table], at=at)),
            self._job("materialize", run_event("materialize", [read], [view], at=at)),
            self._job("train", run_event("train", [read], [model], at=at + 1)),
            run_event("judge", [model], at=at + 2, facets={"mlops_decision": passed}),
        ]
        return done + (self._served(model, view) if self.service else [])

    def _job(self, job: str, event: dict[str, Any]) -> dict[str, Any]:
        """Return an event with the code, and the statement, of that round's job."""
        commit = f"{self.number}" * 40
        place = {"type": "git", "url": f"https://git/{commit}/{job}", "version": commit}
        query = STATEMENT.format(self.column)
        event["job"]["facets"] = {
            "sql": {"query": query, **FACET},
            "sourceCodeLocation": {**place, **FACET},
        }
        return event

    def _served(
        self, model: dict[str, Any], view: dict[str, Any]
    ) -> list[dict[str, Any]]:
        name, uri = self.service, f"http://127.0.0.1:80{self.number:02}"
        endpoint = dataset(
            name, namespace=SERVICES, facets=version(f"{self.number}", uri)
        )
        log = dataset(
            LOG,
            origins={"features": [("feast://customers", "view", "spend")]},
            namespace=LOCAL,
        )
        at = self.at + 3
        return [
            run_event("deploy", [model], [endpoint], at=at),
            self._job(name, job_event(f"serve.{name}", [model, view], [log], at=at)),
        ]


@dataclass
class World:
    """A store of lineage, and the prediction log beside it."""

    platform: Platform
    store: LineageStore
    reader: Reader

    def told(self, *rounds: Round) -> None:
        self.ingest(*(event for one in rounds for event in one.events()))

    def ingest(self, *events: dict[str, Any]) -> None:
        assert not self.store.ingest(events).refused

    def answered(self, request: str, at: datetime, number: int) -> None:
        asked = json.dumps({"spend": 1.5})
        values = (at, "churn", number, request, asked)
        self.reader.connection.execute(LOG_SQL.read_bytes())
        self.reader.connection.execute(INSERT, values)
        self.reader.connection.commit()

    def trace(self, request: str) -> PredictionTrace:
        return trace_prediction(self.platform, self.reader, request)


@pytest.fixture
def world(store: LineageStore, reader: Reader, tmp_path: Path) -> World:
    return World(Platform(Settings(home=tmp_path)), store, reader)


def sources(found: PredictionTrace) -> list[str]:
    (feature,) = found.features
    return [f"{one.name}.{one.field}" for one in feature.chain.sources]


def link(found: PredictionTrace, step: Step) -> str:
    fact = found.model.fact(step)
    assert fact is not None
    return fact.link


def test_a_newer_version_and_rebuilt_features_change_nothing_of_an_old_prediction(
    world: World,
) -> None:
    world.told(Round(1, "price", at=0))
    world.answered("old", minute(10), 1)
    before = world.trace("old")

    world.told(Round(2, "discount", at=20), Round(3, "tax", at=40))
    world.answered("new", minute(50), 3)

    assert world.trace("old") == before
    assert sources(before) == ["shop.price"]
    assert link(before, Step.CODE) == f"https://git/{'1' * 40}/train"
    assert link(before, Step.SERVICE) == "http://127.0.0.1:8001"
    assert {one.text for one in before.queries} == {STATEMENT.format("price")}
    new = world.trace("new")
    assert sources(new) == ["shop.tax"]
    assert {one.text for one in new.queries} == {STATEMENT.format("tax")}


def test_the_version_that_goes_on_answers_from_features_that_were_rebuilt(
    world: World,
) -> None:
    world.told(Round(1, "price", at=0))
    world.told(Round(2, "discount", at=20, service=""))  # the gate refused it
    world.answered("before", minute(15), 1)
    world.answered("after", minute(30), 1)

    before, after = world.trace("before"), world.trace("after")

    assert (sources(before), sources(after)) == (["shop.price"], ["shop.discount"])
    assert before.model.made == after.model.made
    assert link(before, Step.CODE) == link(after, Step.CODE)


def test_what_another_service_logs_is_not_mixed_in(world: World) -> None:
    world.told(Round(1, "price", at=0))
    world.answered("asked", minute(10), 1)
    before = world.trace("asked")
    other = dataset("other", {"spend": "float"}, {"spend": ["shop.age"]})
    log = dataset(LOG, origins={"features": ["other.spend"]}, namespace=LOCAL)
    world.ingest(
        run_event("fill", ["shop"], [other], at=4),
        job_event("serve.loans", ["other"], [log], at=5),
    )

    assert world.trace("asked") == before


def test_a_service_that_answered_before_it_was_told_of_is_traced_as_it_is_now(
    world: World,
) -> None:
    world.answered("early", minute(2.5), 1)
    world.told(Round(1, "price", at=0))

    assert sources(world.trace("early")) == ["shop.price"]


def test_a_decision_that_was_taken_again_is_the_one_that_let_it_answer(
    world: World,
) -> None:
    world.told(Round(1, "price", at=0))
    world.answered("asked", minute(10), 1)
    refused = {"model": "churn", "version": 1, "passed": False}
    world.ingest(run_event("judge", at=20, facets={"mlops_decision": refused}))

    fact = world.trace("asked").model.fact(Step.DECISION)

    assert fact is not None
    assert fact.value == "passed"
