"""From what the store knows to an answer, and to one page that tells if it is all."""

from typing import Any

from mlops_common.bootstrap import Platform, connect
from mlops_common.errors import MlopsError
from mlops_common.lineage.dataset import Dataset, columns
from mlops_common.lineage.naming import versioned
from mlops_common.lineage.recording import writes
from mlops_common.orchestration import artifacts
from mlops_common.orchestration.deployments.history import EndedRun, ended_runs
from mlops_common.orchestration.server import api
from mlops_common.orchestration.tasks import MINUTE, task
from mlops_common.params import masked
from mlops_common.progress import step
from uc4_lineage import audit, report
from uc4_lineage.asking import Question, answer
from uc4_lineage.bootstrap import reading
from uc4_lineage.coverage import Coverage, LooseEnds, Period
from uc4_lineage.result import Emitted, LineageResult

FOLDER = "lineage/coverage"


@task(timeout=10 * MINUTE)
def query_lineage(question: Question) -> Any:
    """Ask the lineage a question; the answer is as JSON holds it."""
    platform = connect()
    name = type(question).__name__
    with step(f"Ask the lineage: {name}"), reading(platform) as reader:
        return answer(platform, reader, question)


@task(timeout=10 * MINUTE)
def audit_lineage(period: Period, emitted: Emitted, loose: LooseEnds) -> LineageResult:
    """Hold the runs of a period against the store; write and publish the report."""
    platform = connect()
    with step("Ask Prefect which runs ended"):
        ended, unasked = _ended(platform, period)
    with step("Check the lineage"), reading(platform) as reader:
        found = audit.audit(reader, period, ended, loose, unasked)
    with step("Write the report"):
        return _published(platform, found, emitted)


def _ended(platform: Platform, period: Period) -> tuple[tuple[EndedRun, ...], str]:
    """Return the runs that ended; or none, and why Prefect could not be asked."""
    try:
        url = api.require(platform.settings.home).url
        return ended_runs(url, period.start, period.end), ""
    except MlopsError as error:
        return (), masked(str(error))


def _published(platform: Platform, found: Coverage, emitted: Emitted) -> LineageResult:
    """Keep the report where reports are, one for each day, and show it in Prefect."""
    day = f"{found.period.end:%Y-%m-%d}"
    key = f"{FOLDER}/{day}.json"
    path = platform.settings.home / "reports" / f"lineage-{day}.html"
    report.write(found, emitted, path)
    page = platform.objects.upload(f"{FOLDER}/{day}.html", path)
    uri = platform.objects.put(key, found.model_dump_json(indent=1).encode())
    kinds = dict.fromkeys(Coverage.model_fields, "json")
    writes(
        lambda: Dataset(
            name=versioned(uri), version=day, fields=columns(kinds), kind="FILE"
        )
    )
    links = [("Report", path.as_uri()), ("Page", page), ("JSON", uri)]
    artifacts.markdown("lineage coverage", report.markdown(found, emitted, links))
    artifacts.table("lineage runs", report.rows(found))
    return LineageResult(emitted=emitted, coverage=found, stored=key, report=path)
