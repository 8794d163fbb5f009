import datetime as dt
import math
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
)
from uc1_churn.config import DatasetSpec
from uc1_churn.features.derivation import TIMELESS, derive
from uc1_churn.features.schema import FeatureSchema, resolve

MARCH = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
Extract = Callable[..., Path]


@pytest.fixture
def extract(tmp_path: Path) -> Extract:
    def write(**columns: Any) -> Path:
        path = tmp_path / "extract.parquet"
        pq.write_table(pa.table(columns), path)
        return path

    return write


def spec(**changes: Any) -> DatasetSpec:
    values = {"table": "t", "entity": "id", "label": "churn"}
    return DatasetSpec.model_validate(values | changes)


def derived(path: Path, dataset: DatasetSpec) -> tuple[FeatureSchema, pa.Table]:
    target = path.with_name("features.parquet")
    return derive(path, dataset, target), pq.read_table(target)


def test_numbers_become_numeric_and_texts_and_booleans_categorical(
    extract: Extract,
) -> None:
    path = extract(
        id=[1, 2],
        churn=[0, 1],
        age=pa.array([30, None], pa.int16()),
        spend=[Decimal("1.50"), Decimal("2.25")],
        plan=["a", "b"],
        active=[True, None],
        joined=[dt.date(2026, 1, 1)] * 2,
        note=[b"x", b"y"],
    )
    schema, table = derived(path, spec())
    assert schema.numeric == ("age", "spend")
    assert schema.categorical == ("plan", "active")
    assert table["age"].to_pylist() == [30.0, None]
    assert table["spend"].to_pylist() == [1.5, 2.25]
    assert table["active"].to_pylist() == ["true", None]
    assert table.schema.field("spend").type == pa.float64()
    assert table.schema.field("active").type == pa.string()


def test_the_label_the_key_and_excluded_columns_are_not_features(
    extract: Extract,
) -> None:
    path = extract(id=[1], churn=[1], seen=[MARCH], a=[1.0], secret=[2.0])
    schema, table = derived(path, spec(timestamp="seen", exclude=("secret",)))
    assert schema.features == ("a",)
    assert table.column_names == ["id", "event_timestamp", "a"]


@pytest.mark.parametrize(("values", "kept"), [(64, True), (65, False)])
def test_text_with_more_values_than_the_limit_is_left_out(
    extract: Extract, values: int, *, kept: bool
) -> None:
    names = [f"street {n}" for n in range(values)]
    path = extract(
        id=list(range(values)), churn=[1] * values, x=[1.0] * values, s=names
    )
    assert ("s" in resolve(spec(), path).categorical) is kept


def test_text_of_many_numbers_and_blanks_is_numeric(extract: Extract) -> None:
    texts = [" ", None, "", *(f"{n}.5" for n in range(97))]
    path = extract(id=list(range(100)), churn=[1] * 100, total=texts)
    schema, table = derived(path, spec())
    assert schema.numeric == ("total",)
    assert table["total"].to_pylist()[:4] == [None, None, None, 0.5]


def test_one_word_among_many_numbers_keeps_text_out(extract: Extract) -> None:
    texts = ["none", *(f"{n}.5" for n in range(99))]
    path = extract(id=list(range(100)), churn=[1] * 100, a=[1] * 100, total=texts)
    assert resolve(spec(), path).features == ("a",)


def test_named_features_take_the_type_they_are_named_for(extract: Extract) -> None:
    path = extract(id=[1, 2], churn=[0, 1], senior=[0, 1], total=["1", " 2 "])
    dataset = spec(numeric=("total",), categorical=("senior",))
    schema, table = derived(path, dataset)
    assert schema.features == ("total", "senior")
    assert table["total"].to_pylist() == [1.0, 2.0]
    assert table["senior"].to_pylist() == ["0", "1"]


def test_nan_is_null_and_infinity_stays(extract: Extract) -> None:
    path = extract(id=[1, 2, 3], churn=[0, 1, 1], x=[math.nan, math.inf, -math.inf])
    _, table = derived(path, spec())
    assert table["x"].to_pylist() == [None, math.inf, -math.inf]


def test_text_that_is_not_a_number_is_named_with_examples(extract: Extract) -> None:
    path = extract(id=[1, 2, 3, 4], churn=[0, 1, 0, 1], total=["1", "n/a", "n/a", "?"])
    with pytest.raises(ContractError) as caught:
        derived(path, spec(numeric=("total",)))
    message = str(caught.value)
    assert "'total' holds 2 texts that are not numbers, in 3 rows" in message
    assert "'n/a' (2 rows), '?' (1 rows)" in message
    assert not path.with_name("features.parquet").exists()


@pytest.mark.parametrize(
    ("changes", "column"),
    [
        ({"entity": "nobody"}, "nobody"),
        ({"label": "left"}, "left"),
        ({"timestamp": "when"}, "when"),
        ({"numeric": ("a", "height")}, "height"),
        ({"categorical": ("colour",)}, "colour"),
    ],
)
def test_a_missing_column_is_named_beside_the_available_ones(
    extract: Extract, changes: dict[str, Any], column: str
) -> None:
    path = extract(id=[1], churn=[1], a=[1.0])
    with pytest.raises(
        NotFoundError, match=rf"no column {column}; available: id, churn"
    ):
        resolve(spec(**changes), path)


@pytest.mark.parametrize(
    "changes",
    [
        {"numeric": ("churn",)},
        {"categorical": ("id",)},
        {"timestamp": "seen", "categorical": ("seen",)},
        {"numeric": ("a",), "categorical": ("a",)},
    ],
)
def test_a_column_has_one_role(extract: Extract, changes: dict[str, Any]) -> None:
    path = extract(id=[1], churn=[1], seen=[MARCH], a=[1.0])
    with pytest.raises(ConfigError, match="cannot be a feature"):
        resolve(spec(**changes), path)


@pytest.mark.parametrize("name", ["label", "EVENT_TIMESTAMP", "salary_y", "a:b", "rn"])
def test_names_that_the_feature_store_keeps_are_refused(
    extract: Extract, name: str
) -> None:
    path = extract(**{"id": [1], "churn": [1], name: [1.0]})
    with pytest.raises(ConfigError, match=r"rename it in `dataset\.query`"):
        resolve(spec(), path)


def test_names_that_differ_only_in_case_are_refused(extract: Extract) -> None:
    path = extract(id=[1], churn=[1], Age=[1.0], age=[2.0])
    with pytest.raises(ConfigError, match="'Age' and 'age' differ only in case"):
        resolve(spec(), path)


def test_a_table_without_features_is_refused(extract: Extract) -> None:
    with pytest.raises(ContractError, match="no column that can be a feature"):
        resolve(spec(), extract(id=[1], churn=[1]))


def test_a_fractional_key_is_refused(extract: Extract) -> None:
    with pytest.raises(ContractError, match="must be an integer of at most 64 bits"):
        resolve(spec(), extract(id=[1.5], churn=[1], a=[1.0]))


def test_without_a_timestamp_every_row_has_the_documented_instant(
    extract: Extract,
) -> None:
    _, table = derived(extract(id=[1, 2], churn=[0, 1], a=[1.0, 2.0]), spec())
    assert table["event_timestamp"].to_pylist() == [TIMELESS, TIMELESS]
    assert table.schema.field("event_timestamp").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    "column",
    [
        pa.array([MARCH]),
        pa.array([dt.datetime(2026, 3, 1)], pa.timestamp("ns")),  # noqa: DTZ001
        pa.array([dt.datetime(2026, 3, 1)], pa.timestamp("s")),  # noqa: DTZ001
        pa.array([dt.date(2026, 3, 1)]),
        pa.array([MARCH], pa.timestamp("us", "Asia/Tokyo")),
    ],
    ids=["utc", "nanoseconds", "seconds", "date", "zone"],
)
def test_every_kind_of_instant_is_read_as_utc(
    extract: Extract, column: pa.Array
) -> None:
    path = extract(id=[1], churn=[1], a=[1.0], seen=column)
    _, table = derived(path, spec(timestamp="seen"))
    assert table["event_timestamp"].to_pylist() == [MARCH]
    assert table.schema.field("event_timestamp").type == pa.timestamp("us", "UTC")


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"id": [1, None]}, "1 of 2 rows have no 'id'"),
        ({"seen": [MARCH, None]}, "1 of 2 rows have no finite 'seen'"),
        ({"id": [7, 7]}, r"1 values of 'id' have more than one row .* 7 \(2 rows\)"),
        ({"seen": ["x", "y"]}, "must be a date or a timestamp, found varchar"),
    ],
)
def test_rows_without_a_unique_key_are_refused(
    extract: Extract, columns: dict[str, Any], message: str
) -> None:
    good = {"id": [1, 2], "seen": [MARCH, MARCH], "churn": [0, 1], "a": [1.0, 2.0]}
    with pytest.raises(ContractError, match=message):
        derived(extract(**(good | columns)), spec(timestamp="seen"))


def test_an_empty_table_is_refused(extract: Extract) -> None:
    path = extract(id=pa.array([], pa.int64()), churn=pa.array([], pa.int8()), a=[])
    with pytest.raises(ContractError, match="has no rows"):
        derived(path, spec(numeric=(), categorical=("a",)))


def test_a_file_that_is_not_parquet_is_named(tmp_path: Path) -> None:
    path = tmp_path / "extract.parquet"
    path.write_text("id,churn\n")
    with pytest.raises(BackendError, match=r"extract\.parquet"):
        resolve(spec(), path)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_named(
    extract: Extract, tmp_path: Path
) -> None:
    path = extract(id=[1], churn=[1], a=[1.0])
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o500)
    with pytest.raises(BackendError, match="free some space"):
        derive(path, spec(), closed / "features.parquet")


NAMES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters=":\0"),
    min_size=1,
    max_size=12,
).filter(lambda name: not name.lower().endswith(("_y", "id", "rn", "churn", "label")))


@given(
    name=NAMES,
    values=st.lists(
        st.one_of(st.none(), st.floats(allow_nan=False)), min_size=1, max_size=20
    ),
)
@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_float64_values_survive_exactly_under_any_name(
    tmp_path: Path, name: str, values: list[float | None]
) -> None:
    path = tmp_path / "extract.parquet"
    count = len(values)
    columns = {"id": range(count), "churn": [1] * count, name: values}
    columns[name] = pa.array(values, pa.float64())
    pq.write_table(pa.table({key: pa.array(v) for key, v in columns.items()}), path)
    _, table = derived(path, spec())
    assert table[name].to_pylist() == values
    assert table["id"].to_pylist() == list(range(count))
