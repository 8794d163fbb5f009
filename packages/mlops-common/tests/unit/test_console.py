"""The evidence of a refusal: figures for a person, the exact ones as JSON."""

import json

import pytest

from mlops_common.console import print_error
from mlops_common.errors import RefusedError

EVIDENCE = {"ROC AUC": 0.8294002670917625, "profit": 10_680.0, "report": "file:///r"}


def test_a_person_sees_the_figures_that_tell(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_error(RefusedError("refused", EVIDENCE))

    shown = capsys.readouterr().err
    assert "ROC AUC: 0.8294003\n" in shown
    assert "profit: 10,680\n" in shown
    assert "report: file:///r\n" in shown


def test_a_program_gets_the_exact_figures(capsys: pytest.CaptureFixture[str]) -> None:
    print_error(RefusedError("refused", EVIDENCE), as_json=True)

    assert json.loads(capsys.readouterr().out)["evidence"] == EVIDENCE
