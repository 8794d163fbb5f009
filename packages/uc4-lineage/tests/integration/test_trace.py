"""From a prediction back to the commit, in a home of its own."""

import io
import json
from collections.abc import Iterator
from contextlib import redirect_stderr, redirect_stdout
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.cli import main
from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.settings import Settings
from mlops_common.testing.command import Said
from mlops_common.testing.postgres import temporary_home
from uc4_lineage.bootstrap import reading
from uc4_lineage.node import Node
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import dataset, job_event, minute, run_event
from uc4_lineage.trace.facts import Step
from uc4_lineage.trace.model import named_model, trace_model
from uc4_lineage.trace.prediction import trace_prediction

LOCAL, MODELS, SERVICES = (
    "postgres://localhost:5432",
    "mlflow://localhost",
    "kserve://x",
)
SOURCE, LOG = "customers.public.customers", "mlops.serving.predictions"
HOSTILE = "\x1b[31m[bold]"
COPY = "COPY (SELECT age, price FROM customers) TO STDOUT"
LOG_SQL = files("mlops_common.serving") / "sql" / "create_predictions.sql"
INSERT = """
INSERT INTO serving.predictions VALUES
('c9bf9e57-1685-4c89-bafb-ff5af830be8a', %s, %s, 'churn', 'churn', 2, %s, %s, %s, 0.25)
"""


def version(number: str, uri: str = "", **facets: Any) -> dict[str, Any]:
    source = {"mlops_location": {"uri": uri}} if uri else {}
    return {"version": {"datasetVersion": number}, **source, **facets}


def trained(number: int, snapshot: str, at: float) -> list[dict[str, Any]]:
    """The runs that lead to a version of the model."""
    digest = f"d{number}" * 10
    staged = dataset(
        "staged",
        {"age": "int", "price": "int"},
        {name: [(LOCAL, SOURCE, name)] for name in ("age", "price")},
        namespace="file",
    )
    snapshots = dataset(
        "customers",
        origins={n: [("file", "staged", n)] for n in ("age", "price")},
        namespace="dvc://localhost",
        facets=version(snapshot),
    )
    table = dataset(
        "training",
        origins={
            "age": [("dvc://localhost", "customers", "age")],
            "spend": [("dvc://localhost", "customers", n) for n in ("age", "price")],
        },
        influences=[("dvc://localhost", "customers", "price")],
        namespace="file",
        facets=version(digest, f"file:///objects/{digest}.parquet"),
    )
    facts = {
        "run_id": f"mlflow{number}",
        "experiment": "churn",
        "git_commit": f"commit{number}",
        "dataset": snapshot,
        "uri": f"file:///models/{number}",
        "page": f"http://127.0.0.1:5001/#/experiments/4/runs/mlflow{number}",
    }
    model = dataset(
        "churn", namespace=MODELS, facets=version(str(number), mlops_model=facts)
    )
    decision = {"model": "churn", "version": number, "passed": number > 1}
    copied = run_event("extract", [dataset(SOURCE, namespace=LOCAL)], [staged], at=at)
    copied["job"]["facets"] = {"sql": {"query": COPY, **_facet()}}
    return [
        copied,
        run_event("version", [staged], [snapshots], at=at + 1),
        run_event("prepare", [snapshots], [table], at=at + 2),
        run_event("train", [table], [model], at=at + 3),
        run_event("judge", [model], at=at + 4, facets={"mlops_decision": decision}),
    ]


def _facet() -> dict[str, str]:
    return {"_producer": "https://x.org", "_schemaURL": "https://x.org/f.json"}


def served(at: float) -> list[dict[str, Any]]:
    """Version 2 is deployed, and logs what it answers."""
    view = dataset(
        "view",
        origins={n: [("file", "training", n)] for n in ("age", "spend")},
        namespace="feast://customers",
    )
    model = dataset("churn", namespace=MODELS, facets=version("2"))
    endpoint = dataset(
        "churn", namespace=SERVICES, facets=version("2", "http://127.0.0.1:8081")
    )
    log = dataset(
        LOG,
        origins={
            "features": [("feast://customers", "view", n) for n in ("age", "spend")]
        },
        namespace=LOCAL,
    )
    return [
        run_event(
            "materialize", [dataset("training", namespace="file")], [view], at=at
        ),
        run_event("deploy", [model], [endpoint], at=at + 1),
        job_event("serve.churn", [model, view], [log], at=at + 1),
    ]


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with temporary_home() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(folder))
        patch.chdir(folder)
        yield Platform(Settings(home=folder))


@pytest.fixture(scope="module")
def empty(platform: Platform) -> Said:  # noqa: ARG001 - in its home
    """What is said before anything was served."""
    return traced("prediction", "r1")


@pytest.fixture(scope="module")
def reader(platform: Platform, empty: Said) -> Iterator[Reader]:
    """A store that knows two versions of a model, and the second one's predictions."""
    assert empty.code == 2
    store = platform.lineage_store
    # The second training is told before the first one.
    events = [*trained(2, "customers@v2", 20), *trained(1, "customers@v1", 0)]
    assert not store.ingest([*events, *served(30)]).refused
    store.close()
    with platform.postgres.connect("mlops") as connection:
        connection.execute(LOG_SQL.read_bytes())
        rows = [
            (0, minute(40), "r1", "951", {"age": 40, "spend": None}),
            (1, minute(40), "r1", "952", {"age": 41, "spend": 1.5}),
            (2, minute(50), "r2", "951", {"age": 40, "spend": 2.5, "new": 1}),
            (3, minute(60), "r3", HOSTILE, {"age": 1, HOSTILE: HOSTILE}),
        ]
        for *names, features in rows:
            connection.execute(INSERT, (*names, json.dumps(features)))
    with reading(platform) as reader:
        yield reader


def traced(*words: str) -> Said:
    out, err = io.StringIO(), io.StringIO()
    with (
        redirect_stdout(out),
        redirect_stderr(err),
        pytest.raises(SystemExit) as ended,
    ):
        main(["trace", *words])
    return Said(int(str(ended.value.code)), out.getvalue(), err.getvalue())


def test_before_the_first_prediction_it_says_what_to_run(empty: Said) -> None:
    assert empty.code == 2
    assert "no prediction is logged yet" in empty.err


def test_a_prediction_leads_to_its_service_and_the_version_that_answered(
    platform: Platform, reader: Reader
) -> None:
    found = trace_prediction(platform, reader, "r1")

    service, model = found.model.fact(Step.SERVICE), found.model.fact(Step.MODEL)
    assert service is not None
    assert (service.value, service.link) == ("churn", "http://127.0.0.1:8081")
    assert model is not None
    assert (model.value, model.link) == ("churn/2", "file:///models/2")
    assert [one.entity for one in found.predictions] == ["951", "952"]


def test_each_fact_of_the_version_has_its_link(
    platform: Platform, reader: Reader
) -> None:
    found = trace_model(platform, reader, "churn", 2)

    page = "http://127.0.0.1:5001/#/experiments/4"
    facts = {fact.step: (fact.value, fact.link) for fact in found.facts}
    assert facts[Step.TRACKING] == ("mlflow2", f"{page}/runs/mlflow2")
    assert facts[Step.EXPERIMENT] == ("churn", page)
    assert facts[Step.CODE][0] == "commit2"
    assert facts[Step.FEATURES] == ("training", f"file:///objects/{'d2' * 10}.parquet")
    assert facts[Step.SNAPSHOT][0] == "customers@v2"
    assert facts[Step.DECISION][0] == "passed"
    assert list(facts) == list(Step)


def test_a_version_is_traced_by_the_versions_that_it_was_made_from(
    platform: Platform, reader: Reader
) -> None:
    first = trace_model(platform, reader, "churn", 1)

    made = [(one.dataset.name, one.version, one.distance) for one in first.made]
    assert made == [
        ("churn", "1", 0),
        ("training", "d1" * 10, 1),
        ("customers", "customers@v1", 2),
        ("staged", "", 3),
        (SOURCE, "", 4),
    ]
    assert first.made[3].at == minute(0)
    decision = first.fact(Step.DECISION)
    assert decision is not None
    assert decision.value == "refused"


def test_what_nobody_told_is_empty_and_says_so(
    platform: Platform, reader: Reader
) -> None:
    found = trace_model(platform, reader, "churn", 1)

    for step in (Step.PROMOTION, Step.CARD, Step.SERVICE):
        fact = found.fact(step)
        assert fact is not None
        assert not fact.link
        assert "no run told" in fact.note


def test_a_promotion_and_a_card_are_found_when_runs_tell_them(
    platform: Platform, reader: Reader
) -> None:
    said = {"model": "churn", "version": 7, "commit": "abc", "url": "https://git/abc"}
    card = dataset(
        "cards/churn",
        namespace="file",
        facets=version(
            "7",
            "file:///cards/churn-7.md",
            datasetType={"datasetType": "MODEL_CARD"},
            mlops_model={"name": "churn", "version": 7},
        ),
    )
    model = dataset("churn", namespace=MODELS, facets=version("7", mlops_model={}))
    store = platform.lineage_store
    store.ingest(
        [
            run_event("train", writes=[model], at=70),
            run_event("promote", at=71, facets={"mlops_promotion": said}),
            run_event("describe", [model], [card], at=72),
        ]
    )
    store.close()

    found = trace_model(platform, reader, "churn", 7)

    promotion, written = found.fact(Step.PROMOTION), found.fact(Step.CARD)
    assert promotion is not None
    assert (promotion.value, promotion.link) == ("abc", "https://git/abc")
    assert written is not None
    assert written.link == "file:///cards/churn-7.md"


def test_every_feature_leads_to_columns_of_the_source_and_its_copy(
    platform: Platform, reader: Reader
) -> None:
    found = trace_prediction(platform, reader, "r2")

    features = {feature.name: feature for feature in found.features}
    age, spend = features["age"].chain, features["spend"].chain
    source = {name: Node.of_field(LOCAL, SOURCE, name) for name in ("age", "price")}
    assert age.sources == (source["age"],)
    assert set(spend.sources) == set(source.values())
    assert [hop.job.name for hop in age.hops] == [
        *("serve.churn", "materialize", "prepare", "version", "extract")
    ]
    assert (age.hops[0].column.name, age.hops[-1].origin) == (LOG, source["age"])
    assert features["new"].chain.hops == ()
    assert [(one.job.name, one.text) for one in found.queries] == [("extract", COPY)]


def test_a_later_change_of_the_pipeline_changes_no_trace_of_an_old_prediction(
    platform: Platform, reader: Reader
) -> None:
    before = trace_prediction(platform, reader, "r2")
    table = dataset(
        "training",
        origins={"age": [("file", "elsewhere", "years")]},
        namespace="file",
        facets=version("d9"),
    )
    staged = dataset("staged", origins={}, namespace="file")
    changed = run_event("extract", [dataset(SOURCE, namespace=LOCAL)], [staged], at=89)
    changed["job"]["facets"] = {"sql": {"query": "COPY other", **_facet()}}
    prepared = run_event("prepare", [dataset("elsewhere")], [table], at=90)
    store = platform.lineage_store
    assert not store.ingest([changed, prepared]).refused
    store.close()

    after = trace_prediction(platform, reader, "r2")

    assert after.features == before.features
    assert after.queries == before.queries
    assert [one.text for one in after.queries] == [COPY]
    told = {hop.job.name: hop.run for hop in after.features[0].chain.hops}
    assert told.pop("serve.churn") is told.pop("materialize") is None
    assert set(told.values()) < {one.run for one in after.model.made}
    said = traced("prediction", "r2")
    assert said.out.count("as the job makes it now") == 2
    assert f"as told by run {told['extract']}" in " ".join(said.out.split())


def test_an_entity_has_a_last_prediction_or_one_row_of_a_request(
    platform: Platform, reader: Reader
) -> None:
    last = trace_prediction(platform, reader, entity="951")
    row = trace_prediction(platform, reader, "r1", "952")

    assert [one.request for one in last.predictions] == ["r2"]
    assert [one.entity for one in row.predictions] == ["952"]
    assert row.features[0].value == 41


@pytest.mark.parametrize(
    ("request_id", "entity"),
    [("r9", None), (None, "9"), ("a\0", None), ("\ud800", "x")],
)
def test_an_unknown_prediction_is_refused_with_the_last_ones(
    platform: Platform, reader: Reader, request_id: str | None, entity: str | None
) -> None:
    with pytest.raises(NotFoundError, match=r"the last requests are r3 .*r2 \(951\)"):
        trace_prediction(platform, reader, request_id, entity)


def test_neither_a_request_nor_an_entity_is_no_question(
    platform: Platform, reader: Reader
) -> None:
    with pytest.raises(ConfigError, match="--entity"):
        trace_prediction(platform, reader)


def test_a_version_that_nobody_knows_is_refused_by_the_registry(
    platform: Platform, reader: Reader
) -> None:
    with pytest.raises(NotFoundError, match="no model 'unknown'"):
        trace_model(platform, reader, "unknown", 1)


@pytest.mark.parametrize("text", ["churn", "churn/", "/1", "churn/one", "churn/²"])
def test_what_is_no_version_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="churn-predictor/3"):
        named_model(text)


@pytest.mark.usefixtures("reader")
def test_the_command_shows_the_way_back_from_top_to_bottom() -> None:
    said = traced("prediction", "--entity", "951")

    assert said.code == 0, said.err
    shown = [f"{SOURCE}.price", COPY, "customers@v2", "mlflow2", "commit2"]
    assert [text for text in shown if text not in said.out] == []


@pytest.mark.usefixtures("reader")
def test_of_several_rows_it_says_whose_features_are_shown() -> None:
    several, one = (
        traced("prediction", "r1"),
        traced("prediction", "r1", "--entity", "952"),
    )

    assert "in the first of 2 rows, about 951 (--entity shows another)" in several.out
    assert "asked with, and the columns" in one.out


@pytest.mark.usefixtures("reader")
def test_the_command_prints_json_for_programs() -> None:
    said = traced("model", "churn/2", "--json")

    found = json.loads(said.out)
    assert (found["name"], found["version"]) == ("churn", 2)
    assert {fact["step"] for fact in found["facts"]} == {step.value for step in Step}


@pytest.mark.usefixtures("reader")
def test_hostile_values_do_not_reach_the_terminal() -> None:
    said = traced("prediction", "r3")

    assert said.code == 0, said.err
    assert "[bold]" in said.out
    assert "\x1b" not in said.out + said.err


def test_a_snapshot_links_to_the_repository_that_has_it(
    platform: Platform, reader: Reader
) -> None:
    folder = Path(platform.settings.home) / "datasets"
    folder.mkdir()

    fact = trace_model(platform, reader, "churn", 2).fact(Step.SNAPSHOT)

    assert fact is not None
    assert fact.link == f"{folder.as_uri()}#customers@v2"
