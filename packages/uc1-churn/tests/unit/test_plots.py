import struct

import numpy as np
import pytest

from uc1_churn.config import ChurnParams, TrainingParams
from uc1_churn.evaluation import plots
from uc1_churn.evaluation.economics import NOBODY
from uc1_churn.evaluation.holdout import Evaluation, evaluate

PARAMS = ChurnParams(training=TrainingParams(bootstrap_replicates=100))


def evaluation(threshold: float = 0.3) -> Evaluation:
    random = np.random.default_rng(8)
    chances = random.random(2_000)
    labels = random.random(2_000) < chances
    judged = evaluate(labels, chances, range(2_000), threshold, PARAMS)
    falls = {f"a feature with a rather long name {i}": i / 100 for i in range(30)}
    return judged.model_copy(update={"importance": falls})


@pytest.fixture(scope="module")
def pictures() -> dict[str, bytes]:
    return plots.draw(evaluation())


def test_every_picture_is_a_small_png_of_one_size(pictures: dict[str, bytes]) -> None:
    sizes = {struct.unpack(">II", png[16:24]) for png in pictures.values()}

    assert len(pictures) == 5
    assert all(png.startswith(b"\x89PNG") for png in pictures.values())
    assert max(map(len, pictures.values())) < 60_000
    assert sizes == {(572, 429)}


def test_the_same_evaluation_gives_the_same_bytes(pictures: dict[str, bytes]) -> None:
    assert plots.draw(evaluation()) == pictures


def test_a_threshold_for_nobody_can_be_drawn() -> None:
    assert plots.profit(evaluation(NOBODY)).startswith(b"\x89PNG")


def test_drawing_leaves_no_state_in_pyplot() -> None:
    import sys

    assert (
        "matplotlib.pyplot" not in sys.modules
        or not sys.modules["matplotlib.pyplot"].get_fignums()
    )
