"""By what names the questions find datasets, jobs and columns."""

from typing import Any

import pytest
from psycopg.rows import TupleRow

from mlops_common.errors import NotFoundError
from mlops_common.lineage.store import LineageStore
from uc4_lineage.graph import Direction
from uc4_lineage.naming import WAYS, find
from uc4_lineage.node import Kind, Node
from uc4_lineage.questions.closure import closure
from uc4_lineage.questions.impact import impact
from uc4_lineage.questions.search import search
from uc4_lineage.reading import Reader
from uc4_lineage.testing.events import DATA, JOBS, dataset, run_event
from uc4_lineage.testing.shop import served_shop

HOSTILE = "a'; DROP TABLE lineage.events; -- [bold]\x1b[2J<script>"


def job(name: str) -> Node:
    return Node.job(JOBS, name)


@pytest.fixture
def shop(store: LineageStore, reader: Reader) -> Reader:
    """Reads a shop: a table is copied, features derived, a model trained, served."""
    assert not store.ingest(served_shop()).refused
    return reader


class Counted(Reader):
    """A reader that counts what it asks."""

    statements = 0

    def rows(self, statement: str, **values: Any) -> list[TupleRow]:
        self.statements += 1
        return super().rows(statement, **values)


def names(nodes: Any) -> list[str]:
    return [one.node.name for one in nodes]


@pytest.mark.parametrize("text", ["a" + 5_000 * ".b", "datasetField:a" + 5_000 * ":b"])
def test_a_text_of_many_parts_is_not_tried_in_every_way(
    store: LineageStore, text: str
) -> None:
    with store.connect() as connection:
        counted = Counted(connection)
        with pytest.raises(NotFoundError, match="no dataset or job is called"):
            closure(counted, text, Direction.UP)

    assert counted.statements < 2 * WAYS


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("dataset:hive://metastore:default.best", ""),
        ("default.best", ""),
        ("best", ""),
        ("default.best.revenue", "revenue"),
    ],
)
def test_a_table_is_found_by_its_other_name(
    store: LineageStore, reader: Reader, text: str, field: str
) -> None:
    alias = {"namespace": "hive://metastore", "name": "default.best", "type": "TABLE"}
    facets = {"symlinks": {"identifiers": [alias]}}
    table = dataset("/srv/best", {"revenue": "double"}, facets=facets)
    assert not store.ingest([run_event("load", writes=[table])]).refused

    found = find(reader, text, [Kind.DATASET, Kind.JOB, Kind.FIELD])

    assert found.node.name == "/srv/best"
    assert found.node.field == field


def test_an_unknown_name_is_refused_with_the_nearest(shop: Reader) -> None:
    with pytest.raises(NotFoundError, match=r"'custmers'; nearest: shop\.public\.cust"):
        find(shop, "custmers")
    with pytest.raises(NotFoundError, match="no column 'prize'; nearest: price"):
        find(shop, "customers.prize", [Kind.DATASET, Kind.FIELD])


def test_a_job_in_place_of_a_dataset_is_called_by_what_it_is(shop: Reader) -> None:
    with pytest.raises(NotFoundError, match="expected a dataset, found job:etl:derive"):
        impact(shop, "derive")
    with pytest.raises(NotFoundError, match=r"expected a job, found dataset:.*:staged"):
        find(shop, "staged", [Kind.JOB])


def test_an_end_that_several_names_have_is_refused_with_all_of_them(
    shop: Reader,
) -> None:
    with pytest.raises(NotFoundError) as problem:
        find(shop, "report")

    assert "job:etl:report" in str(problem.value)
    assert f"dataset:{DATA}:report" in str(problem.value)
    assert find(shop, "report", [Kind.JOB]).node == job("report")


@pytest.mark.parametrize("text", ["", ".", "a\0b", "\ud800", "%", "dataset:", HOSTILE])
def test_no_text_is_a_name_by_chance(shop: Reader, text: str) -> None:
    with pytest.raises(NotFoundError):
        find(shop, text, Kind)


def test_hostile_names_are_names_like_others(
    store: LineageStore, reader: Reader
) -> None:
    output = dataset(HOSTILE, {HOSTILE: "text"}, {HOSTILE: [f"source.{HOSTILE}"]})
    store.ingest([run_event(HOSTILE, ["source"], [output])])

    assert names(closure(reader, "source", Direction.DOWN).reached) == [HOSTILE] * 2
    assert len(impact(reader, f"source.{HOSTILE}").affected) == 2
    assert search(reader, HOSTILE)[0].node == job(HOSTILE)
