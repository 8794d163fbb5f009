"""Ingest of lineage over HTTP: events one at a time, from many keep-alive connections.

The events are those of `uc4_ingest.py`, each in a request of its own that is answered
after its commit. The server is bound to one core; PostgreSQL and the clients share the
others. The reference is the same server where no two requests share a transaction. Run:

    python benchmarks/uc4_http.py --runs 20000
"""

import argparse
import asyncio
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

import harness
import psutil
from uc4_ingest import backend_seconds, events

from mlops_common.postgres.database import Postgres
from mlops_common.postgres.server import EmbeddedServer
from mlops_common.processes import LOOPBACK
from mlops_common.sections import PostgresSettings
from mlops_common.testing.postgres import temporary_postgres

LIMIT = 1_500  # events a second
CLIENTS = 64
ALONE = 500  # events of a single client
PATH = "/api/v1/lineage"
CREATED = b"HTTP/1.1 201"
SERVERS = ("ours", "a transaction an event")


def serve(home: Path, name: str) -> None:
    """Serve an empty store on one core; print the URL."""
    from mlops_common.lineage.store import LineageStore
    from uc4_lineage.marquez_api import commits
    from uc4_lineage.marquez_api.application import application
    from uc4_lineage.marquez_api.serving import listening, run

    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    if name != SERVERS[0]:
        commits.MOST = 1
    postgres = Postgres(PostgresSettings(), EmbeddedServer(home))
    store = LineageStore(postgres, f"bench_{SERVERS.index(name)}")
    store.connect().close()
    with listening(LOOPBACK, 0) as listener:
        run(application(store), listener, lambda url: print(url, flush=True))


@contextmanager
def served(home: Path, name: str) -> Iterator[tuple[str, psutil.Process]]:
    """Run a server in a process of its own; yield its URL and the process."""
    command = [sys.executable, __file__, "--serve", str(home), name]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = process.stdout.readline().strip()
            yield url, psutil.Process(process.pid)
        finally:
            process.terminate()


class Client(asyncio.Protocol):
    """A connection that sends an event as soon as the one before is answered.

    Args:
        waiting: Requests that no client has sent yet.
        took: Where the seconds of each request go.
    """

    def __init__(self, waiting: Iterator[bytes], took: list[float]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting = waiting
        self._took = took
        self._begun = 0.0
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first event."""
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        """Send the next event; an answer is one packet, for it has no body."""
        assert data.startswith(CREATED), data
        assert data.endswith(b"\r\n\r\n"), data
        self._took.append(time.perf_counter() - self._begun)
        self._send()

    def _send(self) -> None:
        assert self._transport is not None
        self._begun = time.perf_counter()
        request = next(self._waiting, None)
        if request is not None:
            self._transport.write(request)
        else:
            self._transport.close()
            self.done.set_result(None)


async def send(url: str, made: list[bytes], clients: int) -> tuple[float, list[float]]:
    """Send events; return the seconds that all took, and those of each."""
    parts = urlsplit(url)
    head = (
        f"POST {PATH} HTTP/1.1\r\nhost: {parts.netloc}\r\n"
        "content-type: application/json\r\ncontent-length: "
    ).encode()
    requests = [head + str(len(b)).encode() + b"\r\n\r\n" + b for b in made]
    waiting, took = iter(requests), list[float]()
    loop = asyncio.get_running_loop()
    begun = time.perf_counter()
    connections = [
        await loop.create_connection(
            lambda: Client(waiting, took), LOOPBACK, parts.port or 0
        )
        for _ in range(clients)
    ]
    await asyncio.gather(*(client.done for _, client in connections))
    return time.perf_counter() - begun, took


def milliseconds(took: list[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of some seconds."""
    percentiles = statistics.quantiles(took, n=20)
    return {"p50": 1e3 * statistics.median(took), "p95": 1e3 * percentiles[-1]}


def measured(home: Path, name: str, made: list[bytes]) -> dict[str, Any]:
    """Return the events a second of a server, and what each of them costs."""
    with served(home, name) as (url, process):
        asyncio.run(send(url, made[:ALONE], CLIENTS))  # imports, connections, plans
        before = sum(process.cpu_times()[:2]), backend_seconds(home)
        wall, took = asyncio.run(send(url, made[ALONE:], CLIENTS))
        after = sum(process.cpu_times()[:2]), backend_seconds(home)
    number = len(made) - ALONE
    return {
        "events a second": number / wall,
        "milliseconds of a request": milliseconds(took),
        "microseconds of CPU an event": {
            "server": 1e6 * (after[0] - before[0]) / number,
            "PostgreSQL": 1e6 * (after[1] - before[1]) / number,
        },
    }


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    made = events(parser.parse_args().runs)
    with temporary_postgres() as postgres:
        assert postgres.server is not None
        home = postgres.server.home
        ours, reference = (
            measured(home, name, made[: len(made) // share])
            for name, share in zip(SERVERS, (1, 8), strict=True)
        )
        # Before the server is removed: what that comes to must not lose the figures.
        report(made, ours, reference)


def report(made: list[bytes], ours: dict[str, Any], reference: dict[str, Any]) -> None:
    """Tell what both servers did."""
    rates = [found["events a second"] for found in (ours, reference)]
    claims = [
        harness.at_least(f"{len(made):,} events, a second", rates[0], LIMIT),
        harness.at_least("ours / a transaction an event", rates[0] / rates[1], 1.0),
    ]
    figures = {
        "events": len(made),
        "bytes_an_event": sum(map(len, made)) / len(made),
        "clients": CLIENTS,
        **dict(zip(SERVERS, (ours, reference), strict=True)),
    }
    harness.report("uc4_http", claims, figures)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--serve"]:
        serve(Path(sys.argv[2]), sys.argv[3])
    else:
        main()
