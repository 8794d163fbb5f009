"""UC4: what every run of the last day read and wrote, and whether all of it is known.

Run it with `mlops run uc4`, with `python -m uc4_lineage.flows.lineage_pipeline`, which
takes the same options, or as a Prefect deployment.
"""

import sys
from datetime import UTC, datetime

from mlops_common.config import load
from mlops_common.orchestration.flows import flow, name_run
from mlops_common.params import validated
from uc4_lineage import report
from uc4_lineage.asking import Orphans, Stale
from uc4_lineage.audit import loose_ends
from uc4_lineage.config import LineageParams
from uc4_lineage.coverage import Period
from uc4_lineage.result import LineageResult
from uc4_lineage.tasks.emit_lineage import emit_lineage
from uc4_lineage.tasks.query_lineage import audit_lineage, query_lineage


@flow("UC4: Data Lineage Pipeline")
def data_lineage_pipeline(params: LineageParams | None = None) -> LineageResult:
    """Send what waits, end what died, then tell whether the lineage is complete.

    Args:
        params: Read from section `uc4` of `config.yaml` when omitted.

    Raises:
        ConfigError: The settings keep no lineage in PostgreSQL.
        BackendError: A system failed, also when tried again.
    """
    params = params or validated(
        LineageParams, load().settings.uc4, where="section uc4"
    )
    period = Period.ending(datetime.now(UTC), params.hours)
    emitted = emit_lineage(params.patience)
    loose = loose_ends(
        query_lineage(Orphans()),
        query_lineage(Stale(days=params.stale_days, now=period.end)),
    )
    result = audit_lineage(period, emitted, loose)
    name_run(report.title(result.coverage, emitted))
    return result


if __name__ == "__main__":
    from mlops_common.cli import main

    main(["run", "uc4", *sys.argv[1:]])
