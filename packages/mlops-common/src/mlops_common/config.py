"""Settings: where the platform is, read once and checked.

Precedence, lowest first: built-in defaults, `config.yaml`, the block of
`environments:` that `environment` names, variables such as
`MLOPS_POSTGRES__PASSWORD`. A section without a host is embedded. What a run
computes (its params) is not kept here, except that the file's sections `uc1` to
`uc6` give each use case's params their values.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from platformdirs import user_data_path
from pydantic import SecretStr

from mlops_common.errors import ConfigError
from mlops_common.params import keys_holding, masked, validated
from mlops_common.settings import Settings

FILE_NAME = "config.yaml"
PREFIX = "MLOPS_"
DEFAULT = "default"
LOCAL = "local"
# A relative path starts at the folder of the file.
PATHS = keys_holding(Settings, Path)
SECRETS = [".".join(keys) for keys in keys_holding(Settings, SecretStr)]
# Variables that name the file, the home folder and so on: not keys of the file.
RESERVED = frozenset({"MLOPS_CONFIG", "MLOPS_SHARED", "MLOPS_LOG_LEVEL"})


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with the story of where each value came from.

    Attributes:
        settings: The checked settings.
        file: The file that was read, if any.
        origins: Dotted key to origin: a file, `file environments.k3s`, a variable.
            Keys that are absent have their default.
    """

    settings: Settings
    file: Path | None
    origins: Mapping[str, str]

    def rows(self) -> Iterator[tuple[str, str, str]]:
        """Yield (dotted key, value with secrets masked, origin) of every value."""
        for key, value in flatten(self.settings.model_dump(mode="json")):
            yield (
                key,
                "" if value is None else masked(str(value)),
                self.origins.get(key, DEFAULT),
            )

    def warnings(self) -> list[str]:
        """Return a warning for each secret that the file itself holds.

        Examples:
            >>> values = {"postgres": {"password": "x"}, "home": "."}
            >>> settings = Settings.model_validate(values)
            >>> origins = {"postgres.password": "config.yaml"}
            >>> print(*Loaded(settings, Path("config.yaml"), origins).warnings())
            config.yaml holds postgres.password; set MLOPS_POSTGRES__PASSWORD instead, \
or postgres.password_file
        """
        held = (key for key in SECRETS if self.origins.get(key, "$")[0] != "$")
        return [
            f"{self.origins[key]} holds {key}; set {variable(key)} instead, "
            f"or {key}_file"
            for key in held
        ]


def variable(key: str) -> str:
    """Return the variable that sets a dotted key.

    Examples:
        >>> variable("minio.secret_key")
        'MLOPS_MINIO__SECRET_KEY'
    """
    return PREFIX + key.upper().replace(".", "__")


def load(path: Path | None = None, environ: Mapping[str, str] | None = None) -> Loaded:
    """Read the settings.

    Args:
        path: The file; when omitted `$MLOPS_CONFIG`, else the nearest
            `config.yaml` in this folder or above it, else built-in defaults.
        environ: Variables; the process's own when omitted.

    Raises:
        ConfigError: The file is absent or not YAML, a key is unknown or a value
            does not fit; names the key, its origin and the allowed keys.
    """
    variables = os.environ if environ is None else environ
    file = find_file(path, variables)
    values, origins = _layers(file, variables)
    values.setdefault("home", str(default_home(file)))
    base = file.parent if file else Path.cwd()
    settings = validated(Settings, _rooted(values, base), where=origins)
    return Loaded(settings=settings, file=file, origins=origins)


def find_file(path: Path | None, environ: Mapping[str, str]) -> Path | None:
    """Return the file to read, or nothing where built-in defaults apply.

    Raises:
        ConfigError: The named file does not exist.
    """
    named = path or (
        Path(environ["MLOPS_CONFIG"]) if "MLOPS_CONFIG" in environ else None
    )
    if named is not None:
        if not named.is_file():
            raise ConfigError(
                f"no config file at {named}; check --config and $MLOPS_CONFIG"
            )
        return named.resolve()
    here = Path.cwd()
    found = (folder / FILE_NAME for folder in (here, *here.parents))
    return next((file for file in found if file.is_file()), None)


def default_home(file: Path | None) -> Path:
    """Return `.mlops` beside the file, or the user's data folder without one."""
    return file.parent / ".mlops" if file else user_data_path("mlops-pipelines")


def flatten(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield (dotted key, leaf) of nested mappings.

    Examples:
        >>> list(flatten({"a": {"b": 1}, "c": 2}))
        [('a.b', 1), ('c', 2)]
    """
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def overlaid(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Return `base` with `top` laid over it, section by section.

    Examples:
        >>> overlaid({"a": {"b": 1, "c": 2}}, {"a": {"b": 3}})
        {'a': {'b': 3, 'c': 2}}
    """
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        if isinstance(below, Mapping) and isinstance(value, Mapping):
            merged[key] = overlaid(below, value)
        else:
            merged[key] = value
    return merged


def read_yaml(file: Path) -> dict[str, Any]:
    """Return the mapping that a YAML file holds; an empty file is an empty one.

    Raises:
        ConfigError: The file is absent, not YAML, or not a mapping.
    """
    try:
        values = yaml.safe_load(file.read_text("utf-8")) or {}
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise ConfigError(f"{file} is not YAML: {_mistake(error)}") from error
    if not isinstance(values, dict):
        raise ConfigError(
            f"{file} must hold `key: value` pairs, found a {type(values).__name__}"
        )
    return {key: {} if value is None else value for key, value in values.items()}


def _mistake(error: yaml.YAMLError) -> str:
    """Return what is wrong with YAML, and where, in one line."""
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return str(error).split("\n", 1)[0]
    mark = error.problem_mark
    return f"line {mark.line + 1}, column {mark.column + 1}: {error.problem}"


def _layers(
    file: Path | None, environ: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    values = read_yaml(file) if file else {}
    blocks = values.pop("environments", {})
    variables, names = _variables(environ)
    label = str(variables.get("environment", values.get("environment", LOCAL)))
    block = _chosen(_blocks(blocks, file), label, file)
    layers = [
        (values, {key: str(file) for key, _ in flatten(values)}),
        (block, {key: f"{file} environments.{label}" for key, _ in flatten(block)}),
        (variables, names),
    ]
    merged: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for layer, origin in layers:
        merged = overlaid(merged, layer)
        origins |= origin
    return merged, origins


def _blocks(blocks: Any, file: Path | None) -> dict[str, dict[str, Any]]:
    """Return the blocks by environment, each checked, whichever applies."""
    if not isinstance(blocks, Mapping):
        raise ConfigError(
            f"`environments` in {file} must hold one block per environment"
        )
    checked = {}
    for label, found in blocks.items():
        block = {} if found is None else found
        if not isinstance(block, Mapping):
            raise ConfigError(f"`environments.{label}` in {file} must hold sections")
        values = {key: {} if value is None else value for key, value in block.items()}
        whole = {"home": ".", **values}
        validated(Settings, whole, where=str(file), below=f"environments.{label}.")
        checked[str(label)] = values
    return checked


def _chosen(
    blocks: Mapping[str, dict[str, Any]], label: str, file: Path | None
) -> dict[str, Any]:
    """Return the block of an environment; a label where the file has no blocks.

    Raises:
        ConfigError: It has blocks, but none of that name: all would be embedded.
    """
    if blocks and label not in {LOCAL, *blocks}:
        raise ConfigError(
            f"environment {label!r} has no block under `environments` in {file}; "
            f"known: {', '.join(blocks)}; {LOCAL!r} needs none"
        )
    return blocks.get(label, {})


def _rooted(values: Mapping[str, Any], base: Path) -> dict[str, Any]:
    """Return `values` with the paths among them absolute, from the folder `base`."""
    rooted = dict(values)
    for keys in PATHS:
        found: Any = values
        for key in keys:
            found = found.get(key) if isinstance(found, Mapping) else None
        if isinstance(found, str):
            place = base / _expanded(found, keys)
            # One home has one name; a mounted secret is a link that changes.
            absolute: Any = str(place.resolve() if keys == ("home",) else place)
            for key in reversed(keys):
                absolute = {key: absolute}
            rooted = overlaid(rooted, absolute)
    return rooted


def _expanded(path: str, keys: tuple[str, ...]) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(f"key {'.'.join(keys)!r}: {path!r}: {error}") from error


def _variables(environ: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Return nested values and the variable behind each dotted key."""
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for name in sorted(environ):
        if not name.startswith(PREFIX) or name in RESERVED:
            continue
        path = name.removeprefix(PREFIX).lower().split("__")
        nested: Any = environ[name]
        for key in reversed(path):
            nested = {key: nested}
        values = overlaid(values, nested)
        names[".".join(path)] = f"${name}"
    return values, names
