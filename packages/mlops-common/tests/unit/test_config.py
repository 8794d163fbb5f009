"""Settings, from a file and from variables."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.config import Loaded, flatten, load, overlaid
from mlops_common.errors import ConfigError
from mlops_common.params import validated
from mlops_common.settings import Settings
from mlops_common.testing.config import read, write
from mlops_common.testing.design import DESIGN


def origin(loaded: Loaded, key: str) -> str:
    return next(origin for name, _, origin in loaded.rows() if name == key)


def test_without_a_file_everything_is_embedded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    loaded = load(environ={})

    assert loaded.file is None
    assert loaded.settings.postgres.host is None
    assert loaded.settings.environment == "local"


def test_the_nearest_file_upward_is_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = write(tmp_path, "postgres: {port: 6000}")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)

    loaded = load(environ={})

    assert loaded.file == file.resolve()
    assert loaded.settings.postgres.port == 6000


def test_the_home_lies_beside_the_file(tmp_path: Path) -> None:
    assert read(tmp_path, "").settings.home == (tmp_path / ".mlops").resolve()


def test_a_relative_home_is_relative_to_the_file(tmp_path: Path) -> None:
    loaded = read(tmp_path, "home: state")

    assert loaded.settings.home == (tmp_path / "state").resolve()


def test_every_relative_path_is_relative_to_the_file(tmp_path: Path) -> None:
    text = "{postgres: {password_file: secret}, feast: {repo_path: ./feast}}"
    (tmp_path / "secret").write_text("hunter2", "utf-8")

    settings = read(tmp_path, text).settings

    assert settings.postgres.secret() == "hunter2"
    assert settings.feast_repo == (tmp_path / "feast").resolve()


def test_a_tilde_is_the_home_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    text = "{home: ~/m, postgres: {password_file: ~/p}, feast: {repo_path: ~/f}}"

    settings = read(tmp_path, text).settings

    assert settings.home == Path("/home/ann/m").resolve()
    assert settings.postgres.password_file == Path("/home/ann/p")
    assert settings.feast.repo_path == Path("/home/ann/f")


def test_a_mistake_in_a_block_that_does_not_apply_is_told(tmp_path: Path) -> None:
    text = "{environment: dev, environments: {k3s: {postgers: {host: b}}, dev: null}}"

    with pytest.raises(
        ConfigError, match=r"unknown key 'environments.k3s.postgers' \(.*config.yaml\)"
    ):
        read(tmp_path, text)


def test_an_empty_section_of_a_block_changes_nothing(tmp_path: Path) -> None:
    text = "{environment: dev, postgres: {host: a}, environments: {dev: {postgres: }}}"

    assert read(tmp_path, text).settings.postgres.host == "a"


def test_a_block_of_the_environments_overlays_and_variables_win(
    tmp_path: Path,
) -> None:
    text = """
    environment: k3s
    postgres: {host: a, port: 1, user: u}
    environments:
      k3s: {postgres: {host: b, port: 2}}
    """

    loaded = read(tmp_path, text, MLOPS_POSTGRES__PORT="3")

    postgres = loaded.settings.postgres
    assert (postgres.host, postgres.port, postgres.user) == ("b", 3, "u")
    assert origin(loaded, "postgres.port") == "$MLOPS_POSTGRES__PORT"
    assert origin(loaded, "postgres.host").endswith("environments.k3s")
    assert origin(loaded, "postgres.user") == str(loaded.file)
    assert origin(loaded, "postgres.sslmode") == "default"


def test_an_environment_without_a_block_is_only_a_label(tmp_path: Path) -> None:
    assert read(tmp_path, "environment: dev").settings.environment == "dev"


def test_an_environment_that_is_none_of_the_blocks_is_a_mistake(
    tmp_path: Path,
) -> None:
    text = "{environment: k3, environments: {k3s: {postgres: {host: b}}}}"

    with pytest.raises(ConfigError, match=r"'k3' has no block .*; known: k3s;"):
        read(tmp_path, text)


def test_a_variable_can_choose_the_environment(tmp_path: Path) -> None:
    text = "environments: {k3s: {postgres: {host: b}}}"

    loaded = read(tmp_path, text, MLOPS_ENVIRONMENT="k3s")

    assert loaded.settings.postgres.host == "b"


@pytest.mark.parametrize(
    ("text", "environ", "message"),
    [
        ("postgres: {hots: x}", {}, r"unknown key 'postgres.hots' \(.*config.yaml\)"),
        ("postgers: {host: x}", {}, r"'postgers' \(.*config.yaml\); allowed: envir"),
        ("", {"MLOPS_POSTGERS__HOST": "x"}, r"'postgers' \(\$MLOPS_POSTGERS__HOST\)"),
        ("home: 3", {}, "key 'home' .* found 3"),
        ("home: ~nobody-of-this-name/x", {}, "key 'home': '~nobody-of-this-name/x'"),
        ("postgres: {port: x}", {}, "key 'postgres.port' .* found 'x'"),
        ("", {"MLOPS_POSTGRES__HOTS": "x"}, r"\(\$MLOPS_POSTGRES__HOTS\)"),
        ("- a", {}, "must hold `key: value` pairs, found a list"),
        ("a: [", {}, r"is not YAML: line 1, column 5: expected the node content"),
        ("a: \x07", {}, "is not YAML: .*special characters are not allowed$"),
        ("lineage: {url: marquez:5000}", {}, "'lineage.url' .*: expected an address"),
        ("environments: 3", {}, "one block per environment"),
        ("{environment: a, environments: {a: 3}}", {}, "must hold sections"),
    ],
)
def test_a_mistake_names_its_key_and_origin(
    tmp_path: Path, text: str, environ: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        read(tmp_path, text, **environ)


def test_an_absent_named_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no config file at"):
        load(environ={"MLOPS_CONFIG": str(tmp_path / "none.yaml")})


def test_a_missing_key_is_named() -> None:
    with pytest.raises(ConfigError, match="key 'home' is required"):
        validated(Settings, {})


def test_the_file_that_the_users_have_points_every_part_at_its_server(
    tmp_path: Path,
) -> None:
    settings = read(tmp_path, DESIGN).settings

    parts = (settings.postgres, settings.minio, settings.mlflow, settings.kubeflow)
    assert all(part.external for part in parts)
    assert settings.postgres.secret() == "postgres123"
    assert settings.minio.secret("access_key") == "minioadmin"
    assert settings.minio.bucket_name == "dvc-storage"
    assert settings.uc1["namespace"] == "models"


def test_nothing_is_external_without_a_server(tmp_path: Path) -> None:
    settings = read(tmp_path, "").settings

    parts = (settings.postgres, settings.minio, settings.mlflow, settings.kubeflow)
    assert not any(part.external for part in (*parts, settings.kserve))


names = st.text("abc", min_size=1, max_size=2)
trees = st.recursive(
    st.integers(),
    lambda children: st.dictionaries(names, children, min_size=1, max_size=3),
)
sections = st.dictionaries(names, trees, max_size=3)


@given(sections, sections)
def test_the_top_layer_wins_every_key_it_names(
    base: dict[str, object], top: dict[str, object]
) -> None:
    merged = dict(flatten(overlaid(base, top)))

    assert all(merged[key] == value for key, value in flatten(top))


@given(sections)
def test_laying_nothing_over_changes_nothing(base: dict[str, object]) -> None:
    assert overlaid(base, {}) == base
