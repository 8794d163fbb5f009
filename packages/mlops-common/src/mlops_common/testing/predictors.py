"""A model small enough for tests of serving: a logistic score of numbers and a text."""

import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

FILE = "score.json"


class Score:
    """The logistic function of `bias` plus `age / 100`, plus one for `plan` pro.

    A missing age counts as 50. The fields of the file override the columns, to make
    models of other shapes, and `delay` holds each answer, in seconds.
    """

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.columns = tuple(fields.get("columns", ("age", "plan")))
        self.datatypes = dict(fields.get("datatypes", {"plan": "BYTES"}))
        self._bias = float(fields["bias"])
        self._delay = float(fields.get("delay", 0.0))

    def predict(self, rows: Mapping[str, Sequence[Any]]) -> np.ndarray:
        """Return the score of each row, shape (n,)."""
        time.sleep(self._delay)
        age = np.nan_to_num(np.asarray(rows[self.columns[0]], dtype=float), nan=50.0)
        pro = [plan == "pro" for plan in rows.get("plan", [""] * len(age))]
        probabilities: np.ndarray = 1 / (1 + np.exp(-self._bias - age / 100 - pro))
        return probabilities


def save(folder: Path, bias: float, **fields: Any) -> Path:
    """Write a score to `folder` and return it."""
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps({"bias": bias, **fields})
    (folder / FILE).write_text(text, "utf-8")
    return folder


def load(folder: Path) -> Score:
    """Load the score that `folder` holds."""
    return Score(json.loads((folder / FILE).read_text("utf-8")))


def fail(folder: Path) -> Score:
    """Fail to load."""
    raise RuntimeError(f"the pickle in {folder.name} is broken")
