"""What the `mlops` command knows of an installed use case."""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

from mlops_common.config import Params
from mlops_common.errors import NotFoundError

GROUP = "mlops.use_cases"


@dataclass(frozen=True, slots=True)
class UseCase:
    """A pipeline that the `mlops` command can run.

    Everything heavy is named, not imported, so that listing use cases is cheap.

    Attributes:
        name: Short name, such as `uc1`; also its section in `config.yaml`.
        title: One line for people.
        flow: `module:function` of the Prefect flow; its first argument is `params`.
        params: `module:class` of the flow's params.
        presets: Package folder with YAML params that `--params NAME` may name.
    """

    name: str
    title: str
    flow: str
    params: str
    presets: str = ""

    def load_flow(self) -> Callable[..., Any]:
        """Import and return the flow."""
        return _imported(self.flow)

    def load_params(self) -> type[Params]:
        """Import and return the type of the flow's params."""
        return _imported(self.params)


def installed() -> dict[str, UseCase]:
    """Return the installed use cases by name, sorted."""
    points = sorted(entry_points(group=GROUP), key=lambda point: point.name)
    return {point.name: point.load() for point in points}


def find(name: str) -> UseCase:
    """Return the use case `name`.

    Raises:
        NotFoundError: It is not installed; lists those that are.
    """
    cases = installed()
    if name not in cases:
        known = ", ".join(cases) or "none"
        raise NotFoundError(f"no use case {name!r} is installed; installed: {known}")
    return cases[name]


def _imported(path: str) -> Any:
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
