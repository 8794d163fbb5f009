"""Runs a use case's flow with params from the file, a preset and the command line."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from mlops_common.bootstrap import Platform
from mlops_common.config import Settings, overlaid, read_yaml, validated
from mlops_common.errors import ConfigError
from mlops_common.orchestration import orchestrated
from mlops_common.use_case import UseCase


def launch(case: UseCase, platform: Platform, values: Mapping[str, Any]) -> Any:
    """Run the flow of `case` in this process and return its result.

    Args:
        case: The use case.
        platform: Where its systems are.
        values: Nested values of its params, and of the flow's other arguments.

    Raises:
        ConfigError: A value fits neither the params nor an argument of the flow.
        MlopsError: Whatever ended the run.
    """
    with orchestrated(platform):
        flow = case.load_flow()
        own, rest = _flow_arguments(flow, values)
        params = validated(case.load_params(), rest, where=f"params of {case.name}")
        return flow(params=params, **own)


def gathered(
    case: UseCase,
    settings: Settings,
    params: str | None = None,
    assignments: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the values of a run, lowest precedence first: file, preset, `--set`.

    Args:
        case: The use case.
        settings: Holds the use case's section of `config.yaml`.
        params: A YAML file, or the name of a preset.
        assignments: `key=value` with dotted keys.

    Raises:
        ConfigError: A file or an assignment cannot be read.
        NotFoundError: `params` is neither a file nor a preset.
    """
    values: dict[str, Any] = dict(getattr(settings, case.name))
    if params is not None:
        file = Path(params)
        values = overlaid(
            values, read_yaml(file if file.is_file() else case.preset(params))
        )
    for assignment in assignments:
        values = overlaid(values, parsed(assignment))
    return values


def parsed(assignment: str) -> dict[str, Any]:
    """Return `a.b=value` as nested values; the value is read as YAML.

    Raises:
        ConfigError: There is no `=`, or the value is not YAML.

    Examples:
        >>> parsed("training.seed=3")
        {'training': {'seed': 3}}
    """
    key, equals, text = assignment.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f"--set takes key=value, found {assignment!r}")
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"--set {key}: {text!r} is not a YAML value") from error
    for part in reversed(key.strip().split(".")):
        value = {part: value}
    return dict(value)


def _flow_arguments(
    flow: Any, values: Mapping[str, Any]
) -> tuple[dict[str, Any], dict[str, Any]]:
    names = set(inspect.signature(getattr(flow, "fn", flow)).parameters) - {"params"}
    own = {key: value for key, value in values.items() if key in names}
    rest = {key: value for key, value in values.items() if key not in names}
    return own, rest
