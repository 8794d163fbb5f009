"""A real Kubernetes API server on loopback, for tests.

Schemas, conflicts, watches, status, server-side apply, RBAC and tokens are real;
nothing runs, as there is no kubelet and no controller.
"""

from mlops_common.testing.kubernetes.cluster import Cluster, RequestError
from mlops_common.testing.kubernetes.control_plane import (
    ControlPlane,
    control_plane,
)
from mlops_common.testing.kubernetes.resources import custom_resources

__all__ = [
    "Cluster",
    "ControlPlane",
    "RequestError",
    "control_plane",
    "custom_resources",
]
