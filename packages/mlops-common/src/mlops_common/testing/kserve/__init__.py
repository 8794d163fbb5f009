"""A double of KServe: its controller, played on a real API server.

It writes what KServe's controller and Knative's would write: Deployments, revisions,
statuses and failures. What each does when is taken from KServe's own source.
"""

from mlops_common.testing.kserve.controller import KserveDouble
from mlops_common.testing.kserve.installation import STYLES, configuration, install

__all__ = ["STYLES", "KserveDouble", "configuration", "install"]
