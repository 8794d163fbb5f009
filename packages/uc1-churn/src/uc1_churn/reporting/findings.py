"""Puts what a run found into the words of its report."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

import pyarrow as pa

from mlops_common.refs import DatasetRef, EndpointRef, ModelRef
from uc1_churn.config import EconomicsParams
from uc1_churn.evaluation.holdout import TITLES, Estimate, Evaluation
from uc1_churn.gate import Decision
from uc1_churn.reporting.report import Card, Check, Link, Metric, Plot, Report
from uc1_churn.result import TargetList

MEANINGS = {
    "roc_auc": "Chance that a churner is ranked above a customer who stays. 0.5 is a "
    "coin, 1 is perfect.",
    "pr_auc": "Precision averaged over recall; the share of churners is what a coin "
    "would reach.",
    "brier": "Mean squared error of the probabilities. Less is better.",
    "log_loss": "Mean surprise at the outcomes, in nats. Less is better.",
    "calibration_error": "Mean gap between what was said and what happened, over bins "
    "of equal size.",
    "profit": "What offers at the chosen threshold would have earned on these rows.",
}
WHOLE = 100.0
CAPTIONS = {
    "profit.png": ("Profit", "Profit against the share of customers with an offer."),
    "reliability.png": (
        "Reliability",
        "Said against happened: on the diagonal the probabilities can be taken at "
        "their word.",
    ),
    "roc.png": ("ROC", "Churners found against others bothered, at every threshold."),
    "precision_recall.png": (
        "Precision and recall",
        "How many of those chosen churn, against how many churners are found.",
    ),
    "importance.png": (
        "Importance",
        "Fall of the ROC AUC on held-out rows when the values of one feature are "
        "shuffled.",
    ),
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a run found.

    Attributes:
        dataset: Revision that was read.
        model: Version that was judged.
        tags: Tags of the version.
        evaluation: The version on held-out rows.
        pictures: PNG files by name, such as `roc.png`.
        decision: What the gate found; none where nothing was trained.
        economics: Price, success rate, worth and capacity.
        made: When the report is written.
        docs: URI of the Data Docs page of the dataset; empty where there is none.
        endpoint: Where the version answers; none where it was refused.
        curl: A command that asks the endpoint.
        targets: Whom to make an offer.
        listed: The first rows of that list.
    """

    dataset: DatasetRef
    model: ModelRef
    tags: Mapping[str, str]
    evaluation: Evaluation
    pictures: Mapping[str, bytes]
    decision: Decision | None
    economics: EconomicsParams
    made: datetime
    docs: str = ""
    endpoint: EndpointRef | None = None
    curl: str = ""
    targets: TargetList | None = None
    listed: pa.Table | None = None

    def deployed(
        self, endpoint: EndpointRef, curl: str, targets: TargetList, listed: pa.Table
    ) -> "Findings":
        """Return these findings with what the deployment added."""
        return replace(
            self, endpoint=endpoint, curl=curl, targets=targets, listed=listed
        )


def page(findings: Findings) -> Report:
    """Return the report of what was found."""
    evaluation, model = findings.evaluation, findings.model
    verdict, explanation = _outcome(findings)
    return Report(
        title=f"{model.name}, version {model.version}",
        subtitle=f"{findings.made:%d %B %Y, %H:%M} UTC, from "
        f"{findings.dataset.revision} with {findings.dataset.rows:,} rows",
        verdict=verdict,
        explanation=explanation,
        refused=findings.endpoint is None,
        cards=_cards(findings),
        metrics=tuple(_metric(name, evaluation.metrics[name]) for name in TITLES),
        metrics_note=f"On {evaluation.rows:,} held-out rows of "
        f"{evaluation.customers:,} customers, {evaluation.churned:,} of which churned. "
        f"Intervals hold {evaluation.confidence:.0%} of bootstrap replicates, drawn "
        "by customer.",
        plots=_plots(findings),
        checks=_checks(findings.decision),
        target_columns=_target_columns(findings.listed),
        targets=_target_rows(findings.listed),
        targets_note=_targets_note(findings),
        curl=findings.curl,
        provenance=_provenance(findings),
        links=(Link("Data Docs", findings.docs),) if findings.docs else (),
    )


def _outcome(findings: Findings) -> tuple[str, str]:
    if findings.endpoint is None:
        return "refused", (
            "The gate refused this version; what served before serves on. The checks "
            "that failed are below."
        )
    where = f"It answers at {findings.endpoint.infer_url}."
    if findings.decision is None:
        return "champion serves", f"Nothing was trained; the champion serves. {where}"
    return "promoted", f"The version passed every check and is the champion. {where}"


def _cards(findings: Findings) -> tuple[Card, ...]:
    evaluation = findings.evaluation
    auc, profit = evaluation.metrics["roc_auc"], evaluation.metrics["profit"]
    share = evaluation.offers / evaluation.rows
    cards = [
        Card("ROC AUC", f"{auc.value:.3f}", _interval(auc, ".3f")),
        Card("Profit on held-out rows", f"{profit.value:,.0f}", _interval(profit)),
        Card(
            "Offer at or above",
            f"{evaluation.threshold:.3f}",
            f"{share:.0%} of the held-out rows",
        ),
    ]
    if findings.targets is not None:
        value = findings.targets.expected_value
        note = f"expected value {value:,.0f}"
        cards.append(Card("On the target list", f"{findings.targets.rows:,}", note))
    return tuple(cards)


def _metric(name: str, estimate: Estimate) -> Metric:
    form = ",.0f" if name == "profit" else ".4f"
    return Metric(
        name=TITLES[name],
        value=format(estimate.value, form),
        interval=_interval(estimate, form),
        meaning=MEANINGS[name],
    )


def _interval(estimate: Estimate, form: str = ",.0f") -> str:
    return f"{format(estimate.low, form)} to {format(estimate.high, form)}"


def _plots(findings: Findings) -> tuple[Plot, ...]:
    return tuple(
        Plot(title=title, caption=caption, png=findings.pictures[name])
        for name, (title, caption) in CAPTIONS.items()
        if name in findings.pictures
    )


def _checks(decision: Decision | None) -> tuple[Check, ...]:
    if decision is None:
        return ()
    return tuple(
        Check(
            name=check.name,
            found=_number(check.value),
            asked=f"{'at least' if check.at_least else 'at most'} "
            f"{_number(check.limit)}",
            passed=check.passed,
        )
        for check in decision.checks
    )


def _number(value: float) -> str:
    """Say money in whole units and rates with four digits."""
    return f"{value:,.0f}" if abs(value) >= WHOLE else f"{value:.4g}"


def _target_columns(listed: pa.Table | None) -> tuple[str, ...]:
    return () if listed is None else tuple(listed.column_names)


def _target_rows(listed: pa.Table | None) -> tuple[tuple[str, ...], ...]:
    if listed is None:
        return ()
    return tuple(
        tuple(
            f"{value:.3f}" if isinstance(value, float) else str(value) for value in row
        )
        for row in zip(*(column.to_pylist() for column in listed.columns), strict=True)
    )


def _targets_note(findings: Findings) -> str:
    if findings.targets is None:
        return ""
    economics = findings.economics
    capacity = "no limit" if economics.capacity is None else f"{economics.capacity:,}"
    return (
        f"The first of {findings.targets.rows:,} customers, best first; all of them in "
        f"{findings.targets.csv}. Expected value = probability × "
        f"{economics.success_rate:g} × {economics.value_per_customer:g} − "
        f"{economics.offer_cost:g}; capacity: {capacity}."
    )


def _provenance(findings: Findings) -> dict[str, str]:
    dataset, model = findings.dataset, findings.model
    return {
        "Dataset": f"{dataset.revision}, SHA-256 {dataset.digest}",
        "Model": f"{model.uri}, SHA-256 {model.digest}",
        "MLflow run": model.run_id,
        "Code": findings.tags.get("git_commit") or "unknown",
    }
