"""The commands of `mlops` that installed use cases bring."""

from functools import cached_property
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperCommand, TyperGroup

from mlops_common.errors import NotFoundError

if TYPE_CHECKING:
    from mlops_common.use_case import Command

# Which wheel brings what, for who asks without it.
WHEELS = {"lineage": "uc4-lineage", "trace": "uc4-lineage"}


class Commands(TyperGroup):
    """Our own commands, then those that the installed use cases bring.

    A list of commands shows the titles of these; their modules are imported where one
    is asked for.
    """

    @cached_property
    def brought(self) -> "dict[str, Command]":
        """What the installed use cases bring, by name; none takes a name of ours."""
        from mlops_common.use_case import installed

        cases = reversed(installed().values())
        found = {name: one for case in cases for name, one in case.commands.items()}
        return {name: found[name] for name in sorted(found.keys() - self.commands)}

    # Early Typers have the types of Click here, later ones types of their own.

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all commands, ours first."""
        return [*super().list_commands(ctx), *self.brought]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command of ours, or what a list shows of another."""
        own = super().get_command(ctx, cmd_name)
        if own is not None or cmd_name not in self.brought:
            return own
        return TyperCommand(cmd_name, help=self.brought[cmd_name].title)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Return the command that is asked for, imported.

        Raises:
            NotFoundError: The wheel that brings it is not installed.
        """
        name = args[0]
        if name in self.commands:
            return super().resolve_command(ctx, args)
        if name in self.brought:
            return name, _imported(name, self.brought[name]), args[1:]
        if name in WHEELS:
            raise NotFoundError(
                f"command {name!r} comes with the wheel {WHEELS[name]}, which is not "
                f"installed; install it with `pip install {WHEELS[name]}`"
            )
        return super().resolve_command(ctx, args)


def _imported(name: str, command: "Command") -> Any:
    from mlops_common.use_case import imported

    # Within another: by itself it would offer the options of a whole program.
    whole = typer.Typer(add_completion=False)
    whole.add_typer(imported(command.app), name=name)
    group: Any = typer.main.get_command(whole)
    return group.commands[name]
