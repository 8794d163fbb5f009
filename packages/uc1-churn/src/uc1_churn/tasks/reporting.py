"""From what a run found to one page for people, and a few lines for Prefect."""

from datetime import UTC, datetime
from pathlib import Path

from mlops_common.bootstrap import Platform, connect
from mlops_common.lineage.recording import reads, writes
from mlops_common.orchestration import artifacts
from mlops_common.orchestration.tasks import MINUTE, task
from mlops_common.progress import step
from mlops_common.refs import EndpointRef, ModelRef
from uc1_churn.config import ChurnParams
from uc1_churn.evaluation.log import logged_evaluation, logged_plots
from uc1_churn.features.schema import FeatureTable
from uc1_churn.gate import Decision
from uc1_churn.lineage import features as feature_lineage
from uc1_churn.lineage import models, quality, reports
from uc1_churn.lineage import serving as serving_lineage
from uc1_churn.refs import FeaturesRef, ValidatedRef
from uc1_churn.reporting import report, summary
from uc1_churn.reporting.findings import Findings, page
from uc1_churn.result import ChurnResult, TargetList
from uc1_churn.serving import inference, parity
from uc1_churn.tables import parquet
from uc1_churn.training_backend import outcome

SHOWN_TARGETS = 10


@task(timeout=10 * MINUTE)
def report_refusal(
    valid: ValidatedRef, model: ModelRef, decision: Decision, params: ChurnParams
) -> Path:
    """Write the page of a version that may not serve."""
    platform = connect()
    with step("Write the report"):
        findings = _findings(platform, valid, model, params, decision)
        return _concluded(platform, valid, findings)


@task(timeout=10 * MINUTE)
def report_deployment(
    valid: ValidatedRef,
    features: FeaturesRef,
    endpoint: EndpointRef,
    decision: Decision | None,
    targets: TargetList,
    params: ChurnParams,
) -> ChurnResult:
    """Write the page of a version that serves; return the run's result."""
    platform = connect()
    with step("Write the report"):
        table = FeatureTable(
            columns=features.columns, path=platform.datasets.path(features.table)
        )
        reads(
            lambda: feature_lineage.read(platform, features),
            lambda: serving_lineage.read_targets(platform, targets),
            lambda: serving_lineage.read(platform, endpoint, params),
        )
        curl = inference.curl(endpoint, parity.sample(table, 1))
        with platform.objects.open(targets.parquet) as stream:
            listed = parquet.head(stream, SHOWN_TARGETS)
        findings = _findings(platform, valid, endpoint.model, params, decision)
        findings = findings.deployed(endpoint, curl, targets, listed)
        path = _concluded(platform, valid, findings)
    return ChurnResult(
        dataset=valid.dataset,
        model=endpoint.model,
        metrics=findings.evaluation.metrics,
        threshold=findings.evaluation.threshold,
        decision=decision,
        endpoint=endpoint,
        targets=targets,
        curl=curl,
        report=path,
    )


def _findings(
    platform: Platform,
    valid: ValidatedRef,
    model: ModelRef,
    params: ChurnParams,
    decision: Decision | None,
) -> Findings:
    tracking = platform.tracking
    return Findings(
        dataset=valid.dataset,
        model=model,
        tags=tracking.tags(model),
        evaluation=logged_evaluation(tracking, model),
        pictures=logged_plots(tracking, model),
        decision=decision,
        economics=params.economics,
        made=datetime.now(UTC),
        docs=platform.objects.uri(valid.docs),
    )


def _concluded(platform: Platform, valid: ValidatedRef, findings: Findings) -> Path:
    """Write the page, the last thing of a run: whoever trains the same again, anew."""
    model, found = findings.model, page(findings)
    name = f"{model.name}-v{model.version}.html"
    path = report.write(found, platform.settings.home / "reports" / name)
    reads(lambda: models.version(platform, model))
    reads(lambda: quality.docs(platform, valid.docs))
    writes(lambda: reports.page(model, path))
    links = {
        "Report": path.as_uri(),
        "MLflow": platform.tracking.page(model.run_id),
        "Data Docs": platform.objects.uri(valid.docs),
        "Endpoint": findings.endpoint.infer_url if findings.endpoint else "",
    }
    shown = {label: place for label, place in links.items() if place}
    artifacts.markdown(f"{model.name} summary", summary.page(found, shown))
    artifacts.table(f"{model.name} metrics", summary.rows(findings.evaluation.metrics))
    key = findings.tags.get("run_key")
    if key:
        outcome.finish(platform.objects, key)
    return path
