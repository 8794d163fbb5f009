"""From a prediction back to the commit, in a home of its own."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.settings import Settings
from mlops_common.testing.command import Said, mlops_here
from mlops_common.testing.postgres import temporary_home
from uc4_lineage.bootstrap import reading
from uc4_lineage.node import Node
from uc4_lineage.reading import Reader
from uc4_lineage.testing.churn import (
    COPY,
    LOCAL,
    LOG,
    MODELS,
    SOURCE,
    facet,
    log_predictions,
    served,
    trained,
    version,
)
from uc4_lineage.testing.events import dataset, minute, run_event
from uc4_lineage.trace.facts import Step
from uc4_lineage.trace.model import named_model, trace_model
from uc4_lineage.trace.prediction import trace_prediction


@pytest.fixture(scope="module")
def platform() -> Iterator[Platform]:
    with temporary_home() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLOPS_HOME", str(folder))
        patch.chdir(folder)
        yield Platform(Settings(home=folder))


@pytest.fixture(scope="module")
def empty(platform: Platform) -> Said:  # noqa: ARG001 - in its home
    """What is said before anything was served."""
    return mlops_here("trace", "prediction", "r1")


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
        log_predictions(connection)
    with reading(platform) as reader:
        yield reader


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
    changed["job"]["facets"] = {"sql": {"query": "COPY other", **facet()}}
    prepared = run_event("prepare", [dataset("elsewhere")], [table], at=90)
    store = platform.lineage_store
    assert not store.ingest([changed, prepared]).refused
    store.close()

    after = trace_prediction(platform, reader, "r2")

    assert after.features == before.features
    assert after.queries == before.queries
    assert [one.text for one in after.queries] == [COPY]
    told = {hop.job.name: hop.run for hop in after.features[0].chain.hops}
    assert told.pop("serve.churn") is None
    assert told.pop("materialize") is not None
    assert set(told.values()) < {one.run for one in after.model.made}
    said = mlops_here("trace", "prediction", "r2")
    assert said.out.count("as the job made it then") == 1
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
    said = mlops_here("trace", "prediction", "--entity", "951")

    assert said.code == 0, said.err
    shown = [f"{SOURCE}.price", COPY, "customers@v2", "mlflow2", "commit2"]
    assert [text for text in shown if text not in said.out] == []


@pytest.mark.usefixtures("reader")
def test_of_several_rows_it_says_whose_features_are_shown() -> None:
    asked = ("trace", "prediction", "r1")
    several, one = mlops_here(*asked), mlops_here(*asked, "--entity", "952")

    assert "in the first of 2 rows, about 951 (--entity shows another)" in several.out
    assert "asked with, and the columns" in one.out


@pytest.mark.usefixtures("reader")
def test_the_command_prints_json_for_programs() -> None:
    said = mlops_here("trace", "model", "churn/2", "--json")

    found = json.loads(said.out)
    assert (found["name"], found["version"]) == ("churn", 2)
    assert {fact["step"] for fact in found["facts"]} == {step.value for step in Step}


@pytest.mark.usefixtures("reader")
def test_hostile_values_do_not_reach_the_terminal() -> None:
    said = mlops_here("trace", "prediction", "r3")

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
