"""Wall time of `mlops run uc1` on Telco by step, and what `mlops --help` costs.

The home is warm: one run has made the databases and started the servers.
"""

import json
import os
import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from harness import Ratio, Sample, at_most, report, run

ROOT = Path(__file__).parent.parent
SHARED = Path(os.environ.get("MLOPS_SHARED", ROOT.parent / "shared"))
TELCO = SHARED / "data/churn/telco/Telco-Customer-Churn.csv.gz"
HELP_CPU = 0.5


def mlops(*words: str) -> Sample:
    """Run the command in a process of its own."""
    return run("-m", "mlops_common.cli", *words)


def telco() -> dict[str, Any]:
    """Run UC1 on Telco twice in a new home; return the second run's times."""
    with tempfile.TemporaryDirectory(prefix="mlops-bench-") as home:
        os.environ["MLOPS_HOME"] = home
        try:
            mlops("data", "load", str(TELCO), "--table", "telco")
            cold = mlops("run", "uc1", "--params", "telco", "--json")
            warm = mlops("run", "uc1", "--params", "telco", "--json")
        finally:
            mlops("reset", "--yes")
    steps = json.loads(warm.output)["seconds"]
    for step, took in steps.items():
        print(f"{took:8.2f} s  {step}")
    print(f"{warm.wall:8.2f} s  the whole command (cold home {cold.wall:.1f} s)")
    return {"cold_wall": cold.wall, "warm_wall": warm.wall, "steps": steps}


def main() -> None:
    """Measure and report."""
    helps = [mlops("--help").cpu for _ in range(5)]
    ratios: list[Ratio] = [
        at_most("CPU seconds of `mlops --help`", statistics.median(helps), HELP_CPU)
    ]
    figures: dict[str, Any] = {"help_cpu": helps}
    if TELCO.exists():
        figures |= telco()
    else:
        print(f"no Telco data at {TELCO}: set MLOPS_SHARED", file=sys.stderr)
    report("uc1_telco", ratios, figures)


if __name__ == "__main__":
    main()
