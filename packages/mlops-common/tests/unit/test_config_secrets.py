"""Secrets of the settings: where they may lie, and that they never show."""

from operator import attrgetter
from pathlib import Path

import pytest
import yaml

from mlops_common.config import SECRETS
from mlops_common.errors import ConfigError
from mlops_common.testing.config import read
from mlops_common.testing.design import DESIGN


def test_a_secret_shows_neither_in_rows_nor_in_messages(tmp_path: Path) -> None:
    loaded = read(tmp_path, "postgres: {password: hunter2}")

    assert "hunter2" not in repr(loaded.settings)
    assert all("hunter2" not in value for _, value, _ in loaded.rows())
    assert loaded.settings.postgres.secret() == "hunter2"
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, "postgres: {password: [hunter2]}")
    assert "hunter2" not in str(caught.value)


def test_a_password_in_an_address_shows_neither_in_rows_nor_in_messages(
    tmp_path: Path,
) -> None:
    address = "http://ann:hun/ter2@mlflow:5000"

    loaded = read(tmp_path, f"mlflow: {{tracking_uri: '{address}'}}")

    rows = {key: value for key, value, _ in loaded.rows()}
    assert rows["mlflow.tracking_uri"] == "http://ann:***@mlflow:5000"
    assert loaded.settings.mlflow.tracking_uri == address
    with pytest.raises(ConfigError, match="ann") as caught:
        read(tmp_path, f"mlflow: {{tracking_uri: ['{address}']}}")
    assert "ter2" not in str(caught.value)
    with pytest.raises(ConfigError, match="ann") as caught:
        read(tmp_path, f"postgres: {{port: '{address}'}}")
    assert "ter2" not in str(caught.value)


@pytest.mark.parametrize(
    "address", ["http://host:5000/a", "postgresql://ann@db:5432/mlflow", "sqlite:///a"]
)
def test_an_address_without_a_password_shows_as_it_is(
    tmp_path: Path, address: str
) -> None:
    loaded = read(tmp_path, f"mlflow: {{tracking_uri: '{address}'}}")

    assert ("mlflow.tracking_uri", address, str(loaded.file)) in loaded.rows()


def test_a_password_may_lie_in_a_file(tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("hunter2\n", "utf-8")

    loaded = read(tmp_path, f"postgres: {{password_file: {tmp_path / 'secret'}}}")

    assert loaded.settings.postgres.secret() == "hunter2"


def test_an_absent_password_file_is_named(tmp_path: Path) -> None:
    loaded = read(tmp_path, f"postgres: {{password_file: {tmp_path / 'none'}}}")

    with pytest.raises(ConfigError, match="password_file"):
        loaded.settings.postgres.secret()


def test_a_secret_in_the_file_earns_a_warning_that_names_its_variable(
    tmp_path: Path,
) -> None:
    better = {"MLOPS_MINIO__SECRET_KEY": "x"}

    warnings = read(tmp_path, DESIGN, **better).warnings()

    assert [text.partition("; ")[2] for text in warnings] == [
        "set MLOPS_POSTGRES__PASSWORD instead, or postgres.password_file",
        "set MLOPS_MINIO__ACCESS_KEY instead, or minio.access_key_file",
    ]
    assert "postgres123" not in str(warnings)


@pytest.mark.parametrize("key", SECRETS)
def test_every_secret_may_lie_in_a_file_and_never_shows(
    tmp_path: Path, key: str
) -> None:
    (tmp_path / "secret").write_text("hunter2\n", "utf-8")
    *sections, name = key.split(".")

    lying = read(tmp_path, nested(*sections, f"{name}_file", value="secret"))
    held = read(tmp_path, nested(*sections, name, value="hunter2"))

    for loaded in (lying, held):
        section = attrgetter(".".join(sections))(loaded.settings)
        assert section.secret(name) == "hunter2"
    assert "hunter2" not in repr(held.settings) + str(list(held.rows()))
    (warning,) = held.warnings()
    assert key in warning
    with pytest.raises(ConfigError) as caught:
        read(tmp_path, nested(*sections, name, value=["hunter2"]))
    assert "hunter2" not in str(caught.value)


def nested(*keys: str, value: object) -> str:
    """Return YAML of one value; a Redis cannot do without a host."""
    section: dict[str, object] = {"host": "h"} if "redis" in keys else {}
    tree: dict[str, object] = {**section, keys[-1]: value}
    for key in reversed(keys[:-1]):
        tree = {key: tree}
    return yaml.safe_dump(tree)
