"""Bad input gives one clear message of the right kind, and does no damage."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import ConfigError, ContractError, MlopsError, NotFoundError
from uc1_churn.result import ChurnResult

Run = Callable[..., ChurnResult]
DATASET = {"name": "broken", "table": "broken", "timestamp": "observed_at"}
COPY = "CREATE TABLE broken AS SELECT * FROM customers"


@contextmanager
def table(platform: Platform, *changes: str) -> Iterator[None]:
    """Have a copy of the customers, changed, for the block."""
    with platform.postgres.connect() as connection:
        for statement in ("DROP TABLE IF EXISTS broken", COPY, *changes):
            connection.execute(statement)
    yield
    with platform.postgres.connect() as connection:
        connection.execute("DROP TABLE broken")


@pytest.mark.parametrize(
    ("change", "kind", "message"),
    [
        ("ALTER TABLE broken DROP churn", ContractError, "'churn'"),
        ("ALTER TABLE broken DROP age", ContractError, "'age'"),
        (
            "ALTER TABLE broken ALTER age TYPE text USING 'old'",
            ContractError,
            "'age'",
        ),
        ("UPDATE broken SET churn = NULL", ContractError, "two classes: it has 0"),
        ("UPDATE broken SET churn = 1", ContractError, "two classes: it has 1"),
        (
            "INSERT INTO broken SELECT * FROM customers LIMIT 3",
            ContractError,
            "customer_id",
        ),
        ("TRUNCATE broken", ContractError, "row"),
        ("UPDATE broken SET age = 400 WHERE customer_id < 9", ContractError, "400"),
    ],
    ids=[
        "missing label",
        "missing column",
        "wrong type",
        "all-null label",
        "one class only",
        "duplicate keys",
        "empty table",
        "out of range",
    ],
)
def test_a_broken_table_is_refused_with_a_clear_word(
    platform: Platform,
    first: ChurnResult,
    run: Run,
    change: str,
    kind: type[MlopsError],
    message: str,
) -> None:
    with table(platform, change), pytest.raises(kind) as caught:
        run(dataset=DATASET, contract="customers")

    assert message in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert platform.datasets.revision("customers") == first.dataset
    champion = platform.tracking.resolve(first.model.name, "champion")
    assert platform.serving.endpoint(first.model.name).model == champion


def test_a_broken_revision_is_never_the_validated_one(
    platform: Platform, first: ChurnResult, run: Run
) -> None:
    assert first.dataset.revision
    change = "UPDATE broken SET age = -1 WHERE customer_id < 3"

    with table(platform, change), pytest.raises(ContractError) as caught:
        run(dataset={**DATASET, "name": "fragile"}, contract="customers")

    said = str(caught.value)
    assert "must lie within [18, 110]: 8 of" in said
    assert said.count("    row ") == 5
    assert "Data Docs: file://" in said
    assert platform.datasets.revisions("fragile") == ["v1"]
    with pytest.raises(NotFoundError):
        platform.datasets.revision("fragile")


def test_an_absent_table_is_named(run: Run) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        run(dataset={"table": "nowhere"})


def test_an_unknown_param_is_named_with_the_known_ones(run: Run) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'training.tres'.*trees"):
        run(training={"tres": 3})


def test_nothing_is_left_half_written(platform: Platform) -> None:
    staged = platform.staging

    assert not staged.exists() or list(staged.iterdir()) == []
