"""The contracts of serving: inherit, provide the fixtures, and they run."""

from mlops_common.testing.serving.answering import ServingContract
from mlops_common.testing.serving.deploying import DeployContract
from mlops_common.testing.serving.services import BRIEF, SERVICE, spec

__all__ = ["BRIEF", "SERVICE", "DeployContract", "ServingContract", "spec"]
