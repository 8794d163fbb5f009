"""What a run of the churn pipeline returns."""

from pathlib import Path

from mlops_common.refs import DatasetRef, EndpointRef, ModelRef, Ref
from uc1_churn.evaluation.holdout import Estimate
from uc1_churn.gate import Decision


class TargetList(Ref):
    """Whom to make an offer, best first.

    Attributes:
        rows: Customers on the list.
        expected_value: Sum of what the offers are expected to earn, in currency.
        parquet: Object key of the list.
        csv: The same as a file that spreadsheets open.
    """

    rows: int
    expected_value: float
    parquet: str
    csv: Path


class ChurnResult(Ref):
    """What a run learnt, decided and left behind.

    Attributes:
        dataset: The revision that was read.
        model: The version that serves.
        metrics: Figures on held-out rows with their intervals, by name.
        threshold: Least probability that gets an offer.
        decision: What the gate found; empty where nothing was trained.
        endpoint: Where the model answers.
        targets: Whom to make an offer.
        curl: A command that asks the endpoint.
        report: The page that tells all this with pictures.
    """

    dataset: DatasetRef
    model: ModelRef
    metrics: dict[str, Estimate]
    threshold: float
    decision: Decision | None
    endpoint: EndpointRef
    targets: TargetList
    curl: str
    report: Path

    def summary(self) -> dict[str, str]:
        """Return the few lines that a person wants to see first."""
        auc, profit = self.metrics["roc_auc"], self.metrics["profit"]
        return {
            "Rows": f"{self.dataset.rows:,} ({self.dataset.revision})",
            "Model": f"{self.model.name} version {self.model.version}",
            "ROC AUC": f"{auc.value:.3f}  ({auc.low:.3f} to {auc.high:.3f})",
            "Profit": f"{profit.value:,.0f}  ({profit.low:,.0f} to {profit.high:,.0f}) "
            f"from offers at or above {self.threshold:.3f} on held-out rows",
            "Target list": f"{self.targets.rows:,} customers, expected value "
            f"{self.targets.expected_value:,.0f}: {self.targets.csv}",
            "Endpoint": self.endpoint.infer_url,
            "Report": self.report.as_uri(),
        }

    def closing(self) -> str:
        """Return what to print below the summary, unwrapped: how to ask the model."""
        return f"Ask it for a customer:\n{self.curl}"
