"""Marks of the tests in which libraries of others warn, of nothing that is ours."""

import pytest

RULES = (
    "ignore::DeprecationWarning",
    "ignore::FutureWarning",
    "ignore::ResourceWarning",
    # Said of a type hint inside MLflow, in colour.
    "ignore:.*Any type hint is inferred:UserWarning",
)
# MLflow, Kubeflow's client and what they import.
MLFLOW = [pytest.mark.filterwarnings(rule) for rule in RULES]
LEFT_OPEN = (
    "ignore::DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)
# DVC and its dependencies leave connections of SQLite to the garbage collector.
DVC = [pytest.mark.filterwarnings(rule) for rule in LEFT_OPEN]
# Prefect's own client leaves what it opened to it.
PREFECT_CLIENT = [pytest.mark.filterwarnings(rule) for rule in LEFT_OPEN]
