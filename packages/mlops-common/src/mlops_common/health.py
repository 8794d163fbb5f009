"""How a system of the platform is, for `mlops doctor`.

Each adapter has a module `health` with a function `examine`. It changes nothing, starts
nothing, and raises our errors where the system is down.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["ok", "embedded", "degraded", "down"]


@dataclass(frozen=True, slots=True)
class Health:
    """How one system is.

    Attributes:
        state: `embedded` is a part of this machine, started when it is needed;
            `degraded` works with something missing; `down` ends a run.
        where: Its address, without secrets.
        version: Of the server, where it tells.
        facts: What it can do, each a few words.
        remedies: What is missing and what to do about it.
    """

    state: State
    where: str
    version: str = ""
    facts: tuple[str, ...] = ()
    remedies: tuple[str, ...] = ()


def found(
    where: str,
    *,
    version: str = "",
    facts: tuple[str, ...] = (),
    remedies: tuple[str, ...] = (),
) -> Health:
    """Return the health of a system that answers: degraded if there are remedies.

    Examples:
        >>> found("db:5432", remedies=("GRANT CREATEDB to ann",)).state
        'degraded'
    """
    state: State = "degraded" if remedies else "ok"
    return Health(state, where, version, facts, remedies)
