"""Runs a use case's flow with params from the file, a preset and the command line."""

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from pydantic import TypeAdapter, ValidationError

from mlops_common.bootstrap import Platform
from mlops_common.config import overlaid, read_yaml
from mlops_common.errors import ConfigError
from mlops_common.orchestration.server.session import orchestrated, quiet
from mlops_common.params import Params, validated
from mlops_common.settings import Settings
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
    quiet()
    flow = case.load_flow()
    own, rest = _flow_arguments(flow, values)
    # A mistake in them is told before any server starts.
    params = validated(case.load_params(), rest, where=f"params of {case.name}")
    with orchestrated(platform):
        return flow(params=params, **own)


def arguments(case: UseCase, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a run elsewhere, as JSON has them.

    Raises:
        ConfigError: A value fits neither the params nor an argument of the flow.
    """
    quiet()
    own, rest = _flow_arguments(case.load_flow(), values)
    params = validated(case.load_params(), rest, where=f"params of {case.name}")
    return {"params": params.model_dump(mode="json"), **own}


def gathered(
    case: UseCase,
    settings: Settings,
    params: str | None = None,
    assignments: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the values of a run, lowest precedence first: file, preset, `--set`.

    A section that the preset names replaces that of the file whole, because halves
    of two datasets make none. An assignment changes one key of what stands.

    Args:
        case: The use case.
        settings: Holds the use case's section of `config.yaml`.
        params: A YAML file, or the name of a preset.
        assignments: `key=value` with dotted keys.

    Raises:
        ConfigError: A file or an assignment cannot be read, or the settings do not
            fit the params.
        NotFoundError: `params` is neither a file nor a preset.
    """
    model = case.load_params()
    values: dict[str, Any] = dict(getattr(settings, case.name))
    validated(model, values, where=f"section {case.name}")
    if params is not None:
        file = Path(params)
        values |= read_yaml(file if file.is_file() else case.preset(params))
    for assignment in assignments:
        change = parsed(assignment)
        values = overlaid(_defaults(model, change) | values, change)
    return values


def _defaults(model: type[Params], change: Mapping[str, Any]) -> dict[str, Any]:
    """Return the default of each section that a change reaches into."""
    defaults = {}
    for key, value in change.items():
        field = model.model_fields.get(key)
        section = field.get_default(call_default_factory=True) if field else None
        if isinstance(value, Mapping) and isinstance(section, Params):
            defaults[key] = section.model_dump(mode="json")
    return defaults


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
    signature = inspect.signature(getattr(flow, "fn", flow))
    kinds = {n: p.annotation for n, p in signature.parameters.items() if n != "params"}
    own = {
        key: _fitting(key, values[key], kinds[key]) for key in kinds if key in values
    }
    rest = {key: value for key, value in values.items() if key not in kinds}
    return own, rest


def _fitting(key: str, value: Any, kind: Any) -> Any:
    try:
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        said = error.errors()[0]["msg"]
        raise ConfigError(f"key {key!r}: {said}, found {value!r}") from None
