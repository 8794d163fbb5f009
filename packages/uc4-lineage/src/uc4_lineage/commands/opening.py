"""What every question of the command line starts from: a store that has it all."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import typer

from mlops_common.commands.context import platform_of
from mlops_common.errors import ConfigError, NotFoundError
from uc4_lineage.bootstrap import reading
from uc4_lineage.commands.output import say
from uc4_lineage.reading import EMPTY, Reader

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

NOW = "now"
PATIENCE = 10.0  # seconds for events on disk to be told


@contextmanager
def opened(context: typer.Context) -> Iterator[Reader]:
    """Open the store that the settings name, with all that runs have told so far.

    Raises:
        ConfigError: The settings keep no lineage in PostgreSQL.
        NotFoundError: There is no lineage yet; says how to get some.
        BackendError: PostgreSQL cannot be reached.
    """
    with opened_on(platform_of(context)) as reader:
        yield reader


@contextmanager
def opened_on(platform: "Platform", *, may_be_empty: bool = False) -> Iterator[Reader]:
    """Open the store of a platform; see `opened`."""
    from mlops_common.lineage.emission.drain import drain

    with reading(platform) as reader:
        for receiver, why in drain(platform, PATIENCE).problems.items():
            say(f"warning: {receiver} was not told all of it: {why}", err=True)
        if not may_be_empty and not reader.rows("newest_event")[0][0]:
            raise NotFoundError(EMPTY)
        yield reader


def instant(text: str) -> datetime:
    """Read a time of the command line.

    Args:
        text: ISO 8601, such as 2026-03-01 or 2026-03-01T06:30+01:00; in UTC where it
            has no zone. Or `now`.

    Raises:
        ConfigError: It is none.

    Examples:
        >>> instant("2026-03-01T06:30+01:00").isoformat()
        '2026-03-01T05:30:00+00:00'
        >>> instant("2026-03-01").isoformat()
        '2026-03-01T00:00:00+00:00'
    """
    if text == NOW:
        return datetime.now(UTC)
    try:
        found = datetime.fromisoformat(text)
        return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ConfigError(
            f"expected a time such as 2026-03-01 or 2026-03-01T06:30Z, found {text!r}"
        ) from error
