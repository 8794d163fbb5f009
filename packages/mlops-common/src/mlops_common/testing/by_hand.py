"""Lines of a page, typed as they stand; `uv run` is left out, for all is installed."""

import os
import re
import subprocess
import sys
from pathlib import Path

from mlops_common.testing.command import PATIENCE, Said

BLOCK = re.compile(r"^```bash\n(.*?)^```", re.MULTILINE | re.DOTALL)
COMMENT = "  #"


class Page:
    """A page whose commands are typed in a folder.

    Args:
        file: The page.
        folder: Where one stands.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.folder = folder
        blocks: list[str] = BLOCK.findall(file.read_text("utf-8"))
        self.lines = [
            line.partition(COMMENT)[0].strip()
            for block in blocks
            for line in block.splitlines()
        ]

    def line(self, start: str) -> str:
        """Return the one line that starts so, without `uv run` and its comment."""
        (found,) = {line for line in self.lines if line.startswith(start)}
        return found.replace("uv run ", "")

    def type(self, line: str, **variables: str) -> Said:
        """Run a line in a shell.

        Args:
            line: Of this page or not.
            variables: More variables than those of this process.
        """
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-ec", line],  # noqa: S607 - whatever bash there is
            cwd=self.folder,
            env={**os.environ, "PATH": programs, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return Said(done.returncode, done.stdout, done.stderr)

    def done(self, line: str, **variables: str) -> str:
        """Run a line in a shell, which must succeed; return what it wrote."""
        said = self.type(line, **variables)
        assert said.code == 0, said.out + said.err
        return said.out
