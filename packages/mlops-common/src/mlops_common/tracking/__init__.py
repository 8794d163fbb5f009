"""Runs, model versions and aliases, kept by MLflow.

The store is a PostgreSQL database without a server in front, or a tracking server;
only the URI differs. Models are stored without pickle. Nothing here uses MLflow's
global state, so that two threads or two stores never mix up their runs.
"""

from mlops_common.tracking.connection import variables
from mlops_common.tracking.runs import Run, SklearnModel
from mlops_common.tracking.store import Tracking

__all__ = ["Run", "SklearnModel", "Tracking", "variables"]
