"""Decides whether a challenger may serve.

Absolute limits always hold. Where a champion serves, the challenger must also be
no worse than it, on the same held-out rows: the lower end of the paired interval
of the difference in ROC AUC must not lie below minus the tolerance (a test of
non-inferiority). An interval that is wide for lack of rows therefore refuses.
"""

from pathlib import Path
from typing import Any

from mlops_common.errors import RefusedError
from mlops_common.refs import ModelRef, Ref
from uc1_churn.config import GateParams
from uc1_churn.evaluation.holdout import Estimate, Evaluation


class Check(Ref):
    """One limit and how the challenger stands to it.

    Attributes:
        name: What is limited.
        value: The challenger's figure.
        limit: The least or the most it may be.
        at_least: Whether `limit` is the least; otherwise it is the most.
    """

    name: str
    value: float
    limit: float
    at_least: bool

    @property
    def passed(self) -> bool:
        """Whether the figure keeps the limit; reaching it exactly does."""
        if self.at_least:
            return self.value >= self.limit
        return self.value <= self.limit

    def __str__(self) -> str:
        """Say figure and limit, such as `ROC AUC 0.6400 (at least 0.7000)`."""
        bound = "at least" if self.at_least else "at most"
        return f"{self.name} {self.value:,.4f} ({bound} {self.limit:,.4f})"


class Decision(Ref):
    """What the gate found.

    Attributes:
        checks: Every limit, kept or not.
        comparison: Challenger minus champion in ROC AUC, where there is a champion.
        champion: Version of that champion.
    """

    checks: tuple[Check, ...]
    comparison: Estimate | None = None
    champion: int | None = None

    @property
    def passed(self) -> bool:
        """Whether every limit is kept."""
        return all(check.passed for check in self.checks)

    def evidence(self) -> dict[str, float]:
        """Return the figures behind the decision, by name, each beside its limit."""
        figures: dict[str, float] = {}
        for check in self.checks:
            figures[check.name] = check.value
            figures[f"{check.name}, limit"] = check.limit
        if self.comparison:
            figures["ROC AUC difference"] = self.comparison.value
        return figures


def decide(
    evaluation: Evaluation,
    params: GateParams,
    comparison: Estimate | None = None,
    champion: int | None = None,
) -> Decision:
    """Hold a challenger against the limits.

    Args:
        evaluation: The challenger on the held-out rows.
        params: The limits.
        comparison: `holdout.compare` with the champion on the same rows; none
            while nothing serves yet, when only the absolute limits count.
        champion: Version that it was compared with.

    Examples:
        >>> worse = Estimate(value=-0.02, low=-0.03, high=-0.01)
        >>> check = Check(name="x", value=worse.low, limit=-0.005, at_least=True)
        >>> check.passed
        False
    """
    figures = evaluation.metrics
    error = figures["calibration_error"].value
    checks = [
        _least("ROC AUC", figures["roc_auc"].value, params.min_roc_auc),
        _most("calibration error", error, params.max_calibration_error),
        _least("profit", figures["profit"].value, params.min_profit),
    ]
    if comparison is not None:
        name = "ROC AUC difference from the champion, lower end"
        checks.append(_least(name, comparison.low, -params.tolerance))
    return Decision(checks=tuple(checks), comparison=comparison, champion=champion)


def enforce(decision: Decision, report: Path | None = None) -> None:
    """Let a passing challenger through.

    Args:
        decision: What `decide` found.
        report: A page with the details, where one was written.

    Raises:
        RefusedError: A limit is not kept; the evidence has every figure.
    """
    if decision.passed:
        return
    failed = "; ".join(str(check) for check in decision.checks if not check.passed)
    evidence: dict[str, Any] = decision.evidence()
    if report is not None:
        evidence["report"] = report.as_uri()
    raise RefusedError(
        f"the gate refused the new model: {failed}. The champion, if any, keeps "
        "serving. Improve the data or the model, or change the limits under `gate`",
        evidence,
    )


def require_unchanged(
    decision: Decision | None, challenger: ModelRef, champion: ModelRef | None
) -> None:
    """Let a version through that was held against the one that serves now.

    Args:
        decision: On the version, perhaps made minutes ago; none where it was itself
            the champion then.
        challenger: The version about to serve.
        champion: The version that serves, looked at just now. The challenger itself
            is what an earlier try of the same deploy left.

    Raises:
        RefusedError: Another version serves than the one that it was compared with.
    """
    current = None if champion is None else champion.version
    compared = challenger.version if decision is None else decision.champion
    if current in (compared, challenger.version):
        return
    name = challenger.name
    against = "no champion" if compared is None else f"champion version {compared}"
    happened = "the champion alias was removed"
    if current is not None:
        happened = f"another run promoted version {current}"
    raise RefusedError(
        f"version {challenger.version} of {name!r} was held against {against}, but "
        f"{happened} meanwhile, which serves on; run again",
        {"model": name, "compared with": compared, "champion now": current},
    )


def _least(name: str, value: float, limit: float) -> Check:
    return Check(name=name, value=value, limit=limit, at_least=True)


def _most(name: str, value: float, limit: float) -> Check:
    return Check(name=name, value=value, limit=limit, at_least=False)
