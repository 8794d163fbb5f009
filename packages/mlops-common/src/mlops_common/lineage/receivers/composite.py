"""The receivers that the settings name: the embedded store, a server, or both.

Both are told everything, each at its own pace: one that is away holds up no other.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mlops_common.lineage.receivers.base import Receiver
from mlops_common.lineage.receivers.embedded import EmbeddedReceiver
from mlops_common.lineage.receivers.marquez import MarquezReceiver
from mlops_common.sections import LineageSettings

if TYPE_CHECKING:
    from mlops_common.lineage.store import LineageStore


def receivers(
    settings: LineageSettings, store: "Callable[[], LineageStore]"
) -> list[Receiver]:
    """Return the receivers, none of which has been contacted yet.

    Args:
        settings: Which ones.
        store: Makes the embedded store.

    Examples:
        >>> both = LineageSettings(url="http://marquez:5000")
        >>> [receiver.most for receiver in receivers(both, lambda: None)]
        [200, 1]
    """
    found: list[Receiver] = [EmbeddedReceiver(store)] if settings.embedded else []
    return [*found, MarquezReceiver(settings)] if settings.external else found
