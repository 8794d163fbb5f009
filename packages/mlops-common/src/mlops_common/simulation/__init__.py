"""A simulated company, whose every churn probability is known."""

from mlops_common.simulation.company import Company
from mlops_common.simulation.hazard import Hazard, true_probability
from mlops_common.simulation.snapshots import SCHEMA, simulate, snapshot_instants
from mlops_common.simulation.source import SIMULATED, description, write_company

__all__ = [
    "SCHEMA",
    "SIMULATED",
    "Company",
    "Hazard",
    "description",
    "simulate",
    "snapshot_instants",
    "true_probability",
    "write_company",
]
