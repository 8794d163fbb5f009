"""What the `mlops` command knows of an installed use case."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlops_common.errors import NotFoundError

if TYPE_CHECKING:
    from mlops_common.params import Params

GROUP = "mlops.use_cases"


@dataclass(frozen=True, slots=True)
class Command:
    """A command, or a group of them, that a use case adds to `mlops`.

    Attributes:
        app: `module:name` of its Typer app, imported when the command is asked for.
        title: One line for people, as `mlops --help` shows it.
    """

    app: str
    title: str


@dataclass(frozen=True, slots=True)
class UseCase:
    """A pipeline that the `mlops` command can run.

    Everything heavy is named, not imported, so that listing use cases is cheap.

    Attributes:
        name: Short name, such as `uc1`; also its section in `config.yaml`.
        title: One line for people.
        flow: `module:function` of the Prefect flow; its first argument is `params`.
        params: `module:class` of the flow's params.
        presets: Package folder with the YAML params that `--params NAME` may name.
        probes: `module:function` of the examination of each system of its own.
        commands: What it adds to the `mlops` command, by name.
    """

    name: str
    title: str
    flow: str
    params: str
    presets: str = ""
    probes: Mapping[str, str] = field(default_factory=dict)
    commands: Mapping[str, Command] = field(default_factory=dict)

    def load_flow(self) -> Callable[..., Any]:
        """Import and return the flow."""
        flow: Callable[..., Any] = imported(self.flow)
        return flow

    def load_params(self) -> "type[Params]":
        """Import and return the type of the flow's params."""
        params: type[Params] = imported(self.params)
        return params

    def preset(self, name: str) -> Path:
        """Return the file of the shipped params `name`.

        Raises:
            NotFoundError: No such preset is shipped; lists those that are.
        """
        folder = Path(str(files(self.presets))) if self.presets else Path()
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        if not self.presets or name not in known:
            shipped = ", ".join(known) if self.presets else "none"
            raise NotFoundError(
                f"{name!r} is neither a file nor a preset of {self.name}; "
                f"presets: {shipped}"
            )
        return folder / f"{name}.yaml"


def points() -> list[EntryPoint]:
    """Return the entry points of the installed use cases, sorted by name."""
    return sorted(entry_points(group=GROUP), key=lambda point: point.name)


def installed() -> dict[str, UseCase]:
    """Return the installed use cases by name, sorted."""
    return {point.name: point.load() for point in points()}


def find(name: str) -> UseCase:
    """Return the use case `name`.

    Raises:
        NotFoundError: It is not installed; lists those that are.
    """
    known = {point.name: point for point in points()}
    if name not in known:
        names = ", ".join(known) or "none"
        raise NotFoundError(
            f"no use case {name!r} is installed; installed: {names}. "
            "Install the wheel of that use case with pip"
        )
    case: UseCase = known[name].load()
    return case


def imported(path: str) -> Any:
    """Import and return what `module:name` names."""
    module, _, name = path.partition(":")
    return getattr(import_module(module), name)
