"""What a trace leads to, each with where to look at it."""

from dataclasses import dataclass
from enum import StrEnum


class Step(StrEnum):
    """A place on the way back from a prediction, in this order."""

    SERVICE = "service"
    MODEL = "model version"
    DECISION = "gate"
    PROMOTION = "promotion commit"
    CARD = "model card"
    TRAINING = "training run"
    TRACKING = "MLflow run"
    EXPERIMENT = "experiment"
    CODE = "code commit"
    FEATURES = "training set"
    SNAPSHOT = "training snapshot"


@dataclass(frozen=True, slots=True)
class Fact:
    """What is known of one step.

    Attributes:
        step: Which.
        value: What it is, such as `customers@v3` or a commit; empty if nobody told.
        link: Where to look at it, if there is such a place.
        note: By whom it is known, or why it is not.
    """

    step: Step
    value: str
    link: str = ""
    note: str = ""
