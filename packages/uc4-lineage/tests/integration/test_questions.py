"""Questions about a graph, over a store."""

import math
from datetime import timedelta
from typing import Any

import pytest

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from uc4_lineage.columns import Level
from uc4_lineage.dataset_kind import DatasetKind
from uc4_lineage.graph import Direction
from uc4_lineage.node import Kind, Node
from uc4_lineage.page.around import whole
from uc4_lineage.questions.closure import closure, path
from uc4_lineage.questions.gaps import orphans, stale
from uc4_lineage.questions.impact import ROLES, Role, impact
from uc4_lineage.questions.runs import State, runs
from uc4_lineage.reading import Cache, Reader
from uc4_lineage.testing.events import DATA, JOBS, dataset, job_event, minute, run_event
from uc4_lineage.testing.shop import served_shop


def node(name: str) -> Node:
    return Node.dataset(DATA, name)


def job(name: str) -> Node:
    return Node.job(JOBS, name)


@pytest.fixture
def shop(store: LineageStore, reader: Reader) -> Reader:
    """Reads a shop: a table is copied, features derived, a model trained, served."""
    assert not store.ingest(served_shop()).refused
    return reader


def names(nodes: Any) -> list[str]:
    return [one.node.name for one in nodes]


def test_up_and_down_follow_the_data_with_their_distance(shop: Reader) -> None:
    up = closure(shop, "customer_features", Direction.UP)
    down = closure(shop, "shop.public.customers", Direction.DOWN, depth=2)

    assert [(one.node.name, one.distance) for one in up.reached] == [
        *(("derive", 1), ("staged", 2), ("copy", 3), ("shop.public.customers", 4))
    ]
    assert names(down.reached) == ["copy", "staged"]
    assert up.start == Node.dataset("feast://shop", "customer_features")


def test_a_job_starts_a_closure_too(shop: Reader) -> None:
    found = closure(shop, "job:etl:train", Direction.UP, depth=1)

    assert names(found.reached) == ["customer_features"]


def test_a_column_leads_only_to_its_own_origins(shop: Reader) -> None:
    found = closure(shop, "customer_features.spend", Direction.UP)

    fields = [one.node for one in found.reached if one.node.kind is Kind.FIELD]
    assert fields == [
        Node.of_field(DATA, "staged", "price"),
        Node.of_field(DATA, "shop.public.customers", "price"),
    ]
    assert {one.level for one in found.reached} == {Level.COLUMN}


def test_impact_names_models_and_endpoints_before_tables_and_jobs(shop: Reader) -> None:
    found = impact(shop, "customers")

    roles = [(one.role, one.node.name) for one in found.affected]
    assert roles == [
        (Role.ENDPOINT, "churn"),
        (Role.MODEL, "churn"),
        (Role.FEATURE, "customer_features"),
        (Role.TABLE, "staged"),
        (Role.TABLE, "report"),
        *((Role.JOB, name) for name in ("copy", "derive", "report", "train", "serve")),
    ]


@pytest.mark.parametrize(
    ("namespace", "facets", "expected"),
    [
        ("redshift://dw:5439", {}, Role.TABLE),
        ("oracle://db:1521", {}, Role.TABLE),
        ("s3a://lake", {}, Role.FILE),
        ("kafka://broker:9092", {}, Role.STREAM),
        ("x", {"datasetType": {"datasetType": "MATERIALIZED_VIEW"}}, Role.TABLE),
        ("x", {"datasetType": {"datasetType": "feature_table"}}, Role.FEATURE),
        ("x", {"dataSource": {"name": "a", "uri": "s3://lake"}}, Role.FILE),
        ("x", {}, Role.DATASET),
    ],
)
def test_impact_and_page_agree_on_what_a_dataset_is(
    store: LineageStore,
    reader: Reader,
    namespace: str,
    facets: dict[str, Any],
    expected: Role,
) -> None:
    made = dataset("made", namespace=namespace, facets=facets)
    store.ingest([run_event("make", ["source"], [made])])

    (found,) = (one for one in impact(reader, "source").affected if one.distance == 2)
    (shown,) = (one for one in whole(reader).nodes if one.name == "made")

    assert found.role is expected
    assert ROLES[DatasetKind(shown.kind)] is expected


def test_impact_of_a_column_spares_what_does_not_depend_on_it(shop: Reader) -> None:
    age, price = impact(shop, "customers.age"), impact(shop, "customers.price")

    assert {one.node.name for one in age.affected} == {"copy", "staged", "report"}
    assert {one.level for one in age.affected} == {Level.COLUMN}
    levels = {(one.role, one.node.name): one.level for one in price.affected}
    assert levels[Role.FEATURE, "customer_features"] is Level.COLUMN
    assert levels[Role.MODEL, "churn"] is Level.TABLE
    assert (Role.TABLE, "report") not in levels


def test_a_column_that_a_job_no_longer_makes_has_no_origins_any_more(
    store: LineageStore, shop: Reader
) -> None:
    only_id = dataset("staged", origins={"id": ["shop.public.customers.id"]})
    store.ingest([run_event("copy", ["shop.public.customers"], [only_id], at=9)])

    found = impact(shop, "customers.price")

    assert not found.affected


def test_a_path_is_a_shortest_one_and_none_is_an_error(shop: Reader) -> None:
    found = path(shop, "customers", f"dataset:{DATA}:report")

    assert [one.name for one in found] == [
        *("shop.public.customers", "copy", "staged", "report", "report")
    ]
    with pytest.raises(NotFoundError, match=r"no data flows from .*; it flows from"):
        path(shop, "customer_features", "shop.public.customers")
    with pytest.raises(NotFoundError, match=r"no data flows from .*lineage down"):
        path(shop, "customer_features", f"dataset:{DATA}:report")


def test_a_path_between_columns_goes_by_columns(shop: Reader) -> None:
    found = path(shop, "customers.price", "customer_features.spend")

    assert [one.field for one in found] == ["price", "price", "spend"]


def test_a_cycle_and_a_job_that_rewrites_its_input_have_an_end(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest(
        [
            run_event("forth", ["a"], ["b"]),
            run_event("back", ["b"], ["a"]),
            run_event("renew", ["a"], ["a"]),
        ]
    )

    found = closure(reader, "a", Direction.UP)

    assert sorted(names(found.reached)) == ["b", "back", "forth", "renew"]
    assert path(reader, f"dataset:{DATA}:a", f"dataset:{DATA}:a") == (node("a"),)
    assert impact(reader, "a").of(Role.JOB)


def test_the_graph_is_read_again_after_an_event_or_a_deletion(
    store: LineageStore, shop: Reader
) -> None:
    reader = Reader(shop.connection, Cache(longest=math.inf))
    first, second = reader.snapshot(), reader.snapshot()
    store.ingest([run_event("more", ["report"], ["sum"], at=4)])
    third = reader.snapshot()
    hide = "UPDATE lineage.jobs SET hidden = true WHERE name = 'more'"
    reader.connection.execute(hide)

    assert first is second
    assert len(third.keys) == len(first.keys) + 2
    assert len(reader.snapshot().keys) == len(first.keys)


def test_the_graph_is_read_again_after_a_while_in_any_case(shop: Reader) -> None:
    reader = Reader(shop.connection, Cache(longest=0))

    assert reader.snapshot() is not reader.snapshot()


def test_runs_tell_how_they_ended(store: LineageStore, reader: Reader) -> None:
    error = {"errorMessage": {"message": "no space", "programmingLanguage": "python"}}
    store.ingest(
        [
            run_event("load", state="START", run="1", at=0),
            run_event("load", state="FAIL", run="1", at=2, facets=error),
            run_event("load", state="START", run="2", at=3),
            run_event("other", at=4),
        ]
    )

    newest, failed = runs(reader, "load")

    assert (newest.state, newest.seconds) == (State.RUNNING, None)
    assert (failed.state, failed.seconds, failed.error) == (
        *(State.FAILED, 120.0, "no space"),
    )
    assert runs(reader, state=State.FAILED) == (failed,)
    assert [run.job.name for run in runs(reader, since=minute(3), limit=1)] == ["other"]


def test_orphans_have_one_side_only(shop: Reader) -> None:
    found = orphans(shop)

    assert found.never_written == (node("shop.public.customers"),)
    assert [one.name for one in found.never_read] == ["churn", "report"]


def test_stale_is_what_has_not_moved(store: LineageStore, reader: Reader) -> None:
    day = 24 * 60
    store.ingest(
        [
            run_event("old", writes=["old"], at=0),
            run_event("new", writes=["new"], at=8 * day),
            run_event("hung", state="START", at=day),
        ]
    )

    found = stale(reader, days=7, now=minute(9 * day))

    assert [(one.node, one.days) for one in found.datasets] == [(node("old"), 9.0)]
    assert [(one.job, one.state) for one in found.runs] == [
        (job("hung"), State.RUNNING)
    ]


def test_a_clock_in_the_future_makes_nothing_stale(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest([run_event("ahead", writes=["ahead"], at=60)])

    found = stale(reader, days=0, now=minute(0) - timedelta(days=1))

    assert not found.datasets


def test_a_job_that_never_ran_is_in_the_graph(
    store: LineageStore, reader: Reader
) -> None:
    store.ingest([job_event("designed", ["a"], ["b"])])

    assert names(closure(reader, "b", Direction.UP).reached) == ["designed", "a"]


def test_an_answer_without_a_store_says_how_to_get_one(reader: Reader) -> None:
    reader.connection.execute("DROP SCHEMA lineage CASCADE")

    with pytest.raises(NotFoundError, match="mlops demo"):
        closure(reader, "a", Direction.UP)
