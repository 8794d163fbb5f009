"""Lines of a page, typed as they stand, by a user who has a checkout and `uv`."""

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

    `uv run` fills an environment of its own beside those of `nox`, from the lock of the
    checkout; that of the checkout is left alone.

    Args:
        file: The page.
        folder: The checkout, where one stands.

    Attributes:
        variables: What `uv run` has to know.
        elsewhere: The same for one who stands in another folder.
    """

    def __init__(self, file: Path, folder: Path) -> None:
        self.folder = folder
        blocks: list[str] = BLOCK.findall(file.read_text("utf-8"))
        self.lines = [
            line.partition(COMMENT)[0].strip()
            for block in blocks
            for line in block.splitlines()
        ]
        programs = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        self.variables = {
            "PATH": programs,
            "UV_PROJECT_ENVIRONMENT": str(folder / ".nox" / "by-hand"),
            "UV_PYTHON": sys.executable,
            "UV_FROZEN": "1",
        }
        self.elsewhere = {**self.variables, "UV_PROJECT": str(folder)}

    def line(self, start: str) -> str:
        """Return the one line that starts so, without its comment."""
        (found,) = {line for line in self.lines if line.startswith(start)}
        return found

    def type(self, line: str, **variables: str) -> Said:
        """Run a line in a shell.

        Args:
            line: Of this page or not.
            variables: More variables than those of this process.
        """
        done = subprocess.run(
            ["bash", "-ec", line],  # noqa: S607 - whatever bash there is
            cwd=self.folder,
            env={**os.environ, **self.variables, **variables},
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
