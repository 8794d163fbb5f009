"""A double of KServe: its controller, played on a real API server.

It writes what KServe's controller and Knative's would write: Deployments, revisions,
statuses and failures. What each does when is taken from KServe's own source.
"""

from mlops_common.testing.kserve.controller import KserveDouble
from mlops_common.testing.kserve.gateway import gateway
from mlops_common.testing.kserve.installation import STYLES, configuration, install
from mlops_common.testing.kserve.kubelet import Kubelet

__all__ = ["STYLES", "KserveDouble", "Kubelet", "configuration", "gateway", "install"]
