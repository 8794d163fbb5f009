"""Steps that are skipped, but where something is gone or changed."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from psycopg import sql

from mlops_common.bootstrap import Platform
from mlops_common.orchestration.server.session import orchestrated
from mlops_common.refs import DatasetRef
from mlops_common.simulation import write_company
from uc1_churn.config import CUSTOMERS, ChurnParams, DatasetSpec
from uc1_churn.refs import FeaturesRef, ValidatedRef
from uc1_churn.testing.effects import documented, materialized

NAME = "resumed"
SPEC = CUSTOMERS.model_copy(update={"name": NAME, "table": NAME})


@dataclass
class Steps:
    """Runs single steps over the dataset, and tells whether they did anything."""

    platform: Platform
    raw: DatasetRef

    def validate(self, contract: str | Path | None = None) -> tuple[ValidatedRef, bool]:
        from uc1_churn.tasks.data_validation import validate_with_great_expectations

        before = documented(self.platform, NAME)
        found = validate_with_great_expectations(self.raw, SPEC, contract)
        return found, documented(self.platform, NAME) != before

    def derive(self, spec: DatasetSpec = SPEC) -> tuple[FeaturesRef, bool]:
        from uc1_churn.tasks.feature_engineering import materialize_feast_features

        before = materialized(self.platform, NAME)
        found = materialize_feast_features(self.raw, spec)
        return found, materialized(self.platform, NAME) != before


@pytest.fixture(scope="module")
def steps(platform: Platform) -> Iterator[Steps]:
    """The steps over a dataset of its own, for which each of them ran once."""
    from uc1_churn.tasks.data_ingestion import extract_from_postgres, upload_to_minio
    from uc1_churn.tasks.data_validation import validate_with_great_expectations
    from uc1_churn.tasks.data_versioning import version_with_dvc
    from uc1_churn.tasks.feature_engineering import materialize_feast_features

    end = datetime.now(UTC).date().replace(day=1)
    write_company(
        platform.postgres, seed=13, customers=600, months=4, end=end, table=NAME
    )
    with orchestrated(platform):
        staged = extract_from_postgres(SPEC)
        raw = version_with_dvc(upload_to_minio(staged, ChurnParams().raw_data_path))
        validate_with_great_expectations(raw, SPEC, None)
        materialize_feast_features(raw, SPEC)
        yield Steps(platform, raw)


def test_features_are_derived_again_where_something_is_gone_or_changed(
    platform: Platform, steps: Steps
) -> None:
    found, ran = steps.derive()
    assert not ran

    platform.objects.delete(found.table.key)
    assert steps.derive() == (found, True)
    platform.objects.delete(found.training_set.key)
    assert steps.derive() == (found, True)
    forget_online(platform)
    assert steps.derive() == (found, True)
    # As another run over the same dataset does meanwhile.
    fewer = SPEC.model_copy(update={"numeric": (SPEC.numeric or ())[1:]})
    assert steps.derive(fewer)[1]
    assert steps.derive() == (found, True)
    assert steps.derive() == (found, False)


def forget_online(platform: Platform) -> None:
    """Empty the online tables of the dataset."""
    tables = (
        "SELECT table_name FROM information_schema.columns WHERE column_name = "
        "'entity_key' AND table_schema = 'public' AND table_name LIKE %s"
    )
    with platform.postgres.connect("feast") as connection:
        found = connection.execute(tables, (f"%{NAME}%",)).fetchall()
        assert found
        for (name,) in found:
            emptied = sql.SQL("DELETE FROM {}").format(sql.Identifier(name))
            connection.execute(emptied)


def test_a_table_is_validated_again_where_something_is_gone_or_changed(
    platform: Platform, steps: Steps, tmp_path: Path
) -> None:
    found, ran = steps.validate()
    assert not ran

    platform.objects.delete(found.docs)
    _, ran = steps.validate()
    assert ran
    contract = tmp_path / "contract.yaml"
    contract.write_text(promising(minimum=0), "utf-8")
    assert steps.validate(contract)[1]
    assert not steps.validate(contract)[1]
    contract.write_text(promising(minimum=1), "utf-8")
    assert steps.validate(contract)[1]


def promising(minimum: int) -> str:
    column = {"age": {"kind": "number", "minimum": minimum}}
    return json.dumps({"name": NAME, "columns": column})


def test_the_age_of_a_table_is_looked_at_again_on_a_later_day(steps: Steps) -> None:
    from uc1_churn.resumption import still_validated

    found, _ = steps.validate()
    limited = found.contract.model_copy(update={"max_age_days": 40.0})
    yesterday = found.validated - timedelta(days=1)

    def holds(**changes: Any) -> bool:
        changed = found.model_copy(update=changes)
        return still_validated(changed, raw=steps.raw, spec=SPEC, contract=None)

    assert holds()
    assert holds(validated=yesterday) == (found.contract.max_age_days is None)
    assert not holds(contract=limited)
