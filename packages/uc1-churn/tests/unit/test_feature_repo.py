import os
from pathlib import Path
from urllib.parse import unquote_plus

import pytest
import yaml

from uc1_churn.feature_repo import rendering
from uc1_churn.features.schema import FeatureSchema, FeatureTable

SECRET = "0123: 'not a number"  # noqa: S105 - a test's
EXTERNAL: dict[str, str | int] = {
    "host": "db.example.org",
    "port": 6543,
    "user": "ml user",
    "dbname": "feast",
    "sslmode": "verify-full",
    "password": SECRET,
}
COLUMNS = FeatureSchema(
    dataset="telco-2026",
    entity="customerID",
    entity_type="string",
    numeric=("tenure",),
    categorical=("Contract",),
)


@pytest.fixture
def table(tmp_path: Path) -> FeatureTable:
    return FeatureTable(columns=COLUMNS, path=tmp_path / "features.parquet")


def test_a_rendered_repository_holds_no_password(
    table: FeatureTable, tmp_path: Path
) -> None:
    rendering.render(tmp_path / "repo", table, EXTERNAL)
    texts = [path.read_text() for path in (tmp_path / "repo").iterdir()]
    assert len(texts) == 3
    assert not any(SECRET in text for text in texts)


def test_the_password_comes_from_the_variable_of_libpq(
    table: FeatureTable, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendering.render(tmp_path, table, EXTERNAL)
    monkeypatch.setenv("PGPASSWORD", "007")
    text = (tmp_path / "feature_store.yaml").read_text()
    # As Feast reads it: feast.repo_config.load_repo_config.
    values = yaml.safe_load(os.path.expandvars(text))
    assert values["online_store"]["password"] == "007"  # noqa: S105
    assert values["registry"]["path"] == (
        "postgresql+psycopg://ml user@/feast"
        "?host=db.example.org&port=6543&sslmode=verify-full"
    )


def test_settings_reach_the_online_store(table: FeatureTable) -> None:
    values = rendering.config(table.columns.dataset, EXTERNAL, "secret")
    assert values["project"] == "telco_2026"
    assert values["offline_store"] == {"type": "duckdb"}
    assert values["online_store"] == {
        "type": "postgres",
        "host": "db.example.org",
        "port": 6543,
        "database": "feast",
        "user": "ml user",
        "password": "secret",
        "sslmode": "verify-full",
    }


def test_both_connections_of_feast_check_the_certificate(table: FeatureTable) -> None:
    connection = {**EXTERNAL, "sslrootcert": "/etc/ssl/our ca.pem"}
    values = rendering.config(table.columns.dataset, connection, "")
    assert values["online_store"]["sslrootcert_path"] == "/etc/ssl/our ca.pem"
    assert "&sslrootcert=/etc/ssl/our ca.pem" in unquote_plus(
        values["registry"]["path"]
    )


def test_a_rendered_repository_remembers_its_table(
    table: FeatureTable, tmp_path: Path
) -> None:
    rendering.render(tmp_path, table, EXTERNAL)
    assert rendering.read_table(tmp_path) == table
