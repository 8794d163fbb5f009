"""Serving: one row through the router of a canary, past it, and through bare kserve.

All answer the same V2 request with the same LightGBM model, ours with the prediction
log included, one keep-alive client at a time, in turns. The router runs only while a
canary has a share.
"""

import statistics
import tempfile
from pathlib import Path

from harness import at_most, report
from uc1_serving import (
    COLUMNS,
    LIMIT,
    NAME,
    Client,
    matrix,
    measured,
    reference,
    specified,
    train,
)

from mlops_common.serving.local.serving import LocalServing
from mlops_common.testing.postgres import temporary_home


def main() -> None:
    """Measure and report."""
    body = matrix([0.1 * number for number in range(len(COLUMNS))])
    with tempfile.TemporaryDirectory() as models, temporary_home() as home:
        folder = Path(models).resolve() / "1"
        train(folder)
        spec, environment = specified(home, folder)
        serving = LocalServing(home / "serving", environment=environment)
        serving.stage(spec)
        stable = serving.promote(NAME).url
        staged = serving.stage(spec).url
        serving.split(NAME, 50)
        urls = {"past the router": staged, "through the router": stable}
        try:
            with reference(folder) as theirs:
                urls["bare kserve"] = theirs
                clients = {name: Client(url, body) for name, url in urls.items()}
                rounds = measured(clients)
        finally:
            serving.stop(NAME)
    routed, past, bare = (
        [figures[name] for figures in rounds]
        for name in ("through the router", "past the router", "bare kserve")
    )
    claim = "V2 single-row request p50 through a canary's router, over bare kserve"
    ratio = statistics.median(r / b for r, b in zip(routed, bare, strict=True))
    added = statistics.median(r - p for r, p in zip(routed, past, strict=True))
    report(
        "cluster_router",
        [at_most(claim, ratio, LIMIT)],
        {"p50 in microseconds, by round": rounds, "added by the router": round(added)},
    )


if __name__ == "__main__":
    main()
