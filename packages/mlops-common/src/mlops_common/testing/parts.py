"""The folder of a platform whose parts a test starts."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mlops_common.parts.folder import Plan, PlatformFolder
from mlops_common.parts.lowering import lower

PATIENCE = 60.0  # seconds
SLEEPER = [sys.executable, "-c", "import time; time.sleep(300)"]


@contextmanager
def platform_folder(home: Path) -> Iterator[PlatformFolder]:
    """Yield the folder of a home that runs everything; stop what runs at the end."""
    folder = PlatformFolder(home)
    folder.path.mkdir()
    folder.decide(Plan())
    # Parts on the leash see to it that a keeper lives; threads of a test are none.
    folder.keeper.start(SLEEPER)
    yield folder
    for _ in lower(folder):
        pass
