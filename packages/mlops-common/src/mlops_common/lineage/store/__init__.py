"""The embedded store of lineage: OpenLineage events, and the graph that they tell."""

from mlops_common.lineage.store.outcome import Ingested, Refusal
from mlops_common.lineage.store.store import LineageStore

__all__ = ["Ingested", "LineageStore", "Refusal"]
