"""What UC4 reads of a platform: the embedded store, through which all questions go."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from mlops_common.errors import ConfigError

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform
    from uc4_lineage.reading import Reader


@contextmanager
def reading(platform: "Platform") -> "Iterator[Reader]":
    """Open the embedded store for questions; it is made where it is not there yet.

    Raises:
        ConfigError: The settings keep no lineage in PostgreSQL.
        BackendError: PostgreSQL cannot be reached.
    """
    from uc4_lineage.reading import Reader

    settings = platform.settings.lineage
    if not settings.embedded:
        raise ConfigError(
            "questions are asked of the lineage in PostgreSQL, which lineage.embedded "
            "switches off; set it to true: events go to lineage.url as well"
        )
    with platform.lineage_store.connect() as connection:
        yield Reader(connection)
