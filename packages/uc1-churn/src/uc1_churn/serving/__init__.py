"""Answers with a model, and checks who answers.

Endpoints name `uc1_churn.serving:load_predictor`; it must stay importable from here.
"""

from uc1_churn.serving.predictor import load_predictor

__all__ = ["load_predictor"]
