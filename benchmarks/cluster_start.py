"""Start: importing the command and the composition root, now and before.

`BEFORE` is the last commit without adapters for servers; whoever runs on embedded parts
alone must not pay for them. Both trees are compiled, and measured in turns.
"""

import compileall
import io
import statistics
import subprocess
import tarfile
import tempfile
from pathlib import Path

from harness import at_most, report, run

BEFORE, NOW = "78df903", "HEAD"
SOURCES = "packages/mlops-common/src"
ROUNDS = 25
LIMIT = 1.1
PROGRAM = """
import sys, time
sys.path.insert(0, sys.argv[1])
start = time.perf_counter()
import mlops_common.bootstrap, mlops_common.cli
seconds = time.perf_counter() - start
assert mlops_common.__file__.startswith(sys.argv[1])
print(seconds)
"""


def checked_out(revision: str, folder: Path) -> Path:
    """Return the compiled sources of a commit, in `folder`."""
    root = Path(__file__).parents[1]
    command = ["git", "-C", str(root), "archive", revision, SOURCES]
    archive = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        files.extractall(folder, filter="data")
    compileall.compile_dir(str(folder), quiet=1)
    return folder / SOURCES


def seconds(sources: Path) -> float:
    """Return the seconds of the import in a new process, without Python's own start."""
    return float(run("-c", PROGRAM, str(sources)).output)


def main() -> None:
    """Measure in turns, and report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        before = checked_out(BEFORE, folder / "before")
        now = checked_out(NOW, folder / "now")
        seconds(before)  # the libraries of both, into the page cache
        rounds = [(seconds(before), seconds(now)) for _ in range(ROUNDS)]
    ratio = statistics.median(after / earlier for earlier, after in rounds)
    columns = zip(("before", "now"), zip(*rounds, strict=True), strict=True)
    figures = {name: round(statistics.median(times), 4) for name, times in columns}
    claim = "import of the command and the platform / before there were servers"
    report("cluster_start", [at_most(claim, ratio, LIMIT)], {"median seconds": figures})


if __name__ == "__main__":
    main()
