"""Measures commands and calls, compares them in one run, and keeps the figures.

A benchmark never asserts a time: it prints ratios beside the limit that the
project set itself, and writes `benchmarks/results/<name>.json`.
"""

import json
import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

RESULTS = Path(__file__).parent / "results"
WAITED = Path("/proc/thread-self/schedstat")


@dataclass(frozen=True)
class Sample:
    """One measured child process.

    Attributes:
        wall: Seconds from start to exit.
        cpu: Seconds of user and system time, children included.
        rss: Peak resident memory of the process itself, MB.
        output: What it printed to standard output.
    """

    wall: float
    cpu: float
    rss: float
    output: str


def run(*args: str) -> Sample:
    """Run a Python program in its own process and measure it; its output is kept."""
    start = time.perf_counter()
    command = [sys.executable, *args]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        output = process.stdout.read() if process.stdout else ""
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if process.returncode:
        raise RuntimeError(f"{' '.join(command)} exited with {process.returncode}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    cpu = usage.ru_utime + usage.ru_stime
    return Sample(wall=wall, cpu=cpu, rss=usage.ru_maxrss / unit, output=output)


def seconds(call: Callable[[], Any], repeats: int = 3) -> float:
    """Return the median wall time of `call`."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


class Stopwatch:
    """Measures what blocks take in this thread, one after the other.

    Attributes:
        wall: Seconds of all blocks.
        own: The same, less the seconds in which the thread could have run and had no
            processor. Only Linux counts those; elsewhere it is `wall`.
        cpu: Seconds that the thread computed.
    """

    def __init__(self) -> None:
        self.wall = self.own = self.cpu = 0.0

    def __enter__(self) -> Self:
        self._waited = _waited()
        self._start, self._computed = time.perf_counter(), time.thread_time()
        return self

    def __exit__(self, *_: object) -> None:
        wall = time.perf_counter() - self._start
        self.cpu += time.thread_time() - self._computed
        waited = _waited() - self._waited  # last: to read it lets other threads run
        self.wall += wall
        self.own += wall - waited


def costs(watches: Iterable[Stopwatch]) -> dict[str, list[float]]:
    """Return what each of some tasks took, milliseconds, by how it is counted."""
    found = [*watches]
    names = ("own", "wall", "cpu")
    return {name: [getattr(one, name) * 1e3 for one in found] for name in names}


def _waited() -> float:
    """Return for how many seconds this thread has waited for a processor."""
    try:
        told = WAITED.read_text("ascii")
    except FileNotFoundError:
        return 0.0
    return int(told.split()[1]) / 1e9


@dataclass(frozen=True)
class Ratio:
    """One claim: a figure of ours over (or under) that of a reference.

    Attributes:
        claim: What is compared, in words.
        value: The measured ratio or figure.
        limit: What the project promises, such as `<= 1.6`.
        met: Whether the promise held in this run.
    """

    claim: str
    value: float
    limit: str
    met: bool


def at_most(claim: str, value: float, limit: float) -> Ratio:
    """Return the claim that `value` does not exceed `limit`."""
    return Ratio(claim, round(value, 3), f"<= {limit}", value <= limit)


def at_least(claim: str, value: float, limit: float) -> Ratio:
    """Return the claim that `value` reaches `limit`."""
    return Ratio(claim, round(value, 3), f">= {limit}", value >= limit)


def report(name: str, ratios: list[Ratio], figures: dict[str, Any]) -> None:
    """Print the claims and keep them, with the raw figures, as JSON."""
    for ratio in ratios:
        verdict = "met" if ratio.met else "MISSED"
        print(
            f"{verdict:>6}  {ratio.claim}: {ratio.value} (limit {ratio.limit})",
            flush=True,
        )
    RESULTS.mkdir(exist_ok=True)
    record = {
        "machine": {"cores": os.cpu_count(), "system": platform.system()},
        "python": platform.python_version(),
        "ratios": [asdict(ratio) for ratio in ratios],
        "figures": figures,
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(record, indent=2) + "\n", "utf-8")
