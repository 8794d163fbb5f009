"""Counts what one run of a flow makes: its task runs and flow runs."""

import ast
import inspect
import textwrap
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import FunctionType
from typing import Any

STARTS = frozenset({"submit", "delay", "apply_async"})  # of a task: one run
MANY = frozenset({"map"})  # of a task: as many runs as there are items
REPEATS = (
    *(ast.For, ast.AsyncFor, ast.While),
    *(ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp),
)


@dataclass(frozen=True, slots=True)
class Census:
    """The most that one run makes.

    Attributes:
        tasks: Task runs. A retry is another attempt of the same run, and a step that
            is skipped because it was done before counts as one too.
        flows: Flow runs, itself included.
        repeated: Tasks that stand in a loop, whose number the source does not tell;
            each is counted once.
    """

    tasks: int = 0
    flows: int = 0
    repeated: tuple[str, ...] = ()

    def __add__(self, other: "Census") -> "Census":
        repeated = (*self.repeated, *other.repeated)
        return Census(self.tasks + other.tasks, self.flows + other.flows, repeated)


NOTHING = Census()


def census(flow: Any) -> Census:
    """Count the calls of tasks and flows in a flow's source, and in what it calls.

    Of two branches the one with more tasks counts; that one may end the run early is
    not seen. Functions of the flow's own module are followed, those of others are not:
    only flows call tasks.

    Args:
        flow: A Prefect flow.
    """
    function = inspect.unwrap(flow.fn)
    return Census(flows=1) + _Reader(function, ()).read()


class _Reader:
    """Reads one function."""

    def __init__(self, function: FunctionType, path: tuple[FunctionType, ...]) -> None:
        self.function = function
        self.path = (*path, function)
        self.names: Mapping[str, Any] = function.__globals__

    def read(self) -> Census:
        """Count what its body makes."""
        source = textwrap.dedent(inspect.getsource(self.function))
        definition = ast.parse(source).body[0]
        assert isinstance(definition, ast.FunctionDef | ast.AsyncFunctionDef)  # noqa: S101 - the source of a function
        return self._all(definition.body)

    def _all(self, nodes: "list[Any]", *, looped: bool = False) -> Census:
        return sum((self._one(node, looped) for node in nodes), NOTHING)

    def _one(self, node: ast.AST, looped: bool) -> Census:  # noqa: FBT001 - passed on
        if isinstance(node, ast.If | ast.IfExp):
            return self._branches(node, looped=looped)
        looped = looped or isinstance(node, REPEATS)
        below = self._all(list(ast.iter_child_nodes(node)), looped=looped)
        if isinstance(node, ast.Call):
            return below + self._call(node, looped=looped)
        return below

    def _branches(self, node: ast.If | ast.IfExp, *, looped: bool) -> Census:
        bodies = [
            body if isinstance(body, list) else [body]
            for body in (node.body, node.orelse)
        ]
        counted = [self._all(body, looped=looped) for body in bodies]
        most = max(counted, key=lambda one: (one.tasks, one.flows))
        return self._one(node.test, looped) + most

    def _call(self, node: ast.Call, *, looped: bool) -> Census:
        called, many = self._called(node.func)
        looped = looped or many
        made = self._made(called)
        name = getattr(called, "name", "")
        return made + Census(repeated=(name,)) if looped and made.tasks else made

    def _made(self, called: Any) -> Census:
        from prefect import Flow, Task

        if isinstance(called, Task):
            return Census(tasks=1)
        if isinstance(called, Flow):
            # A subflow stands as one task in the run that calls it.
            return Census(tasks=1) + self._below(called.fn, flows=1)
        here = self.function.__module__
        if isinstance(called, FunctionType) and called.__module__ == here:
            return self._below(called)
        return NOTHING

    def _below(self, function: Callable[..., Any], flows: int = 0) -> Census:
        plain = inspect.unwrap(function)
        if not isinstance(plain, FunctionType) or plain in self.path:
            return Census(flows=flows)
        return Census(flows=flows) + _Reader(plain, self.path).read()

    def _called(self, callee: ast.expr) -> tuple[Any, bool]:
        """Return what `f(…)`, `f.submit(…)` and the like call; and whether often."""
        if isinstance(callee, ast.Name):
            return self.names.get(callee.id), False
        if isinstance(callee, ast.Attribute) and callee.attr in STARTS | MANY:
            return self._called(callee.value)[0], callee.attr in MANY
        if isinstance(callee, ast.Call):
            changed = callee.func
            if isinstance(changed, ast.Attribute) and changed.attr == "with_options":
                return self._called(changed.value)
        return None, False
