"""Pictures of an evaluation, as small PNG files.

Drawn with figure objects alone: no state of pyplot, no display, safe in threads.
Colours are of the palette of Okabe and Ito, which colour-blind readers tell apart.
"""

import io
from typing import TYPE_CHECKING

import numpy as np

from uc1_churn.evaluation.economics import NOBODY
from uc1_churn.evaluation.holdout import Estimate, Evaluation

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#8A8F98"
SIZE = (5.2, 3.9)  # inches
DPI = 110
MOST_FEATURES = 12


def draw(evaluation: Evaluation) -> dict[str, bytes]:
    """Return the pictures by file name, such as `roc.png`."""
    return {
        "roc.png": roc(evaluation),
        "precision_recall.png": precision_recall(evaluation),
        "reliability.png": reliability(evaluation),
        "profit.png": profit(evaluation),
        "importance.png": importance(evaluation),
    }


def roc(evaluation: Evaluation) -> bytes:
    """Draw churners found against others bothered, over all thresholds."""
    figure, axes = _figure("ROC curve", "False positive rate", "True positive rate")
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="Chance")
    label = f"Model, area {_said(evaluation.metrics['roc_auc'])}"
    axes.plot(*zip(*evaluation.curves.roc, strict=True), color=BLUE, label=label)
    _unit_square(axes)
    axes.legend(loc="lower right", frameon=False)
    return _png(figure)


def precision_recall(evaluation: Evaluation) -> bytes:
    """Draw the share of hits among offers against the share of churners found."""
    figure, axes = _figure("Precision and recall", "Recall", "Precision")
    rate = evaluation.churned / evaluation.rows
    axes.axhline(rate, color=GREY, linewidth=1, linestyle="--", label="Chance")
    label = f"Model, area {_said(evaluation.metrics['pr_auc'])}"
    recall, precision = zip(*evaluation.curves.precision_recall, strict=True)
    axes.step(recall, precision, color=BLUE, where="pre", label=label)
    _unit_square(axes)
    axes.legend(loc="upper right", frameon=False)
    return _png(figure)


def reliability(evaluation: Evaluation) -> bytes:
    """Draw the observed churn rate against the claimed one, in equal-mass bins."""
    figure, axes = _figure(
        "Reliability", "Mean predicted probability", "Observed churn rate"
    )
    claimed, seen, rows = np.asarray(evaluation.curves.reliability).T
    spread = 1.96 * np.sqrt(seen * (1 - seen) / rows)
    error = evaluation.metrics["calibration_error"]
    axes.plot([0, 1], [0, 1], color=GREY, linewidth=1, linestyle="--", label="Perfect")
    axes.errorbar(
        claimed,
        seen,
        yerr=spread,
        color=BLUE,
        marker="o",
        markersize=4,
        elinewidth=1,
        label=f"Model, error {_said(error)}",
    )
    most = min(1.0, 1.1 * max(claimed.max(), (seen + spread).max()))
    axes.set(xlim=(0, most), ylim=(0, most))
    axes.legend(loc="upper left", frameon=False)
    return _png(figure)


def profit(evaluation: Evaluation) -> bytes:
    """Draw what offers earn against how many customers get one."""
    title = "Profit"
    figure, axes = _figure(title, "Share of customers with an offer", "Profit")
    share, money = zip(*evaluation.curves.profit, strict=True)
    axes.axhline(0, color=GREY, linewidth=1, linestyle="--")
    axes.plot(share, money, color=BLUE)
    figures = evaluation.metrics["profit"]
    place = evaluation.offers / evaluation.rows
    axes.errorbar(
        [place],
        [figures.value],
        yerr=[[figures.value - figures.low], [figures.high - figures.value]],
        color=ORANGE,
        marker="o",
        markersize=6,
        capsize=3,
        linestyle="none",
        label=_choice(evaluation),
    )
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.legend(loc="lower right", bbox_to_anchor=(1.01, 0.985), frameon=False)
    return _png(figure)


def importance(evaluation: Evaluation) -> bytes:
    """Draw how far the ROC AUC falls when a feature's values are shuffled."""
    title = "Permutation importance"
    figure, axes = _figure(title, "Fall of ROC AUC when the feature is shuffled", "")
    ranked = sorted(evaluation.importance.items(), key=lambda pair: -pair[1])
    shown = ranked[:MOST_FEATURES][::-1]
    names = [name if len(name) < 26 else f"{name[:24]}…" for name, _ in shown]  # noqa: PLR2004
    axes.barh(names, [value for _, value in shown], color=BLUE, height=0.65)
    axes.axvline(0, color=GREY, linewidth=1)
    axes.grid(visible=False, axis="y")
    return _png(figure)


def _choice(evaluation: Evaluation) -> str:
    if evaluation.threshold >= NOBODY:
        return "Chosen: no offers"
    money = evaluation.metrics["profit"]
    return (
        f"Chosen, from {evaluation.threshold:.3f} up: "
        f"{money.value:,.0f} ({money.low:,.0f} to {money.high:,.0f})"
    )


def _said(estimate: Estimate) -> str:
    return f"{estimate.value:.3f} ({estimate.low:.3f} to {estimate.high:.3f})"


def _figure(title: str, across: str, up: str) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=SIZE, dpi=DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    axes.set_xlabel(across, fontsize=9)
    axes.set_ylabel(up, fontsize=9)
    axes.tick_params(labelsize=8, color=GREY)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(GREY)
    axes.grid(visible=True, color="#E6E8EB", linewidth=0.8)
    axes.set_axisbelow(True)
    return figure, axes


def _unit_square(axes: "Axes") -> None:
    axes.set(xlim=(0, 1.01), ylim=(0, 1.02))


def _png(figure: "Figure") -> bytes:
    for axes in figure.axes:
        if (legend := axes.get_legend()) is not None:
            for text in legend.get_texts():
                text.set_fontsize(8)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", metadata={"Software": None})
    return buffer.getvalue()
