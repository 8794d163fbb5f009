"""How the systems are that this use case alone uses, for `mlops doctor`."""

from mlops_common.bootstrap import Platform
from mlops_common.health import Health
from uc1_churn import bootstrap
from uc1_churn.feature_store.health import examine


def feast(platform: Platform) -> Health:
    """Tell how the feature store is."""
    return examine(bootstrap.feature_store(platform))


def kubeflow(platform: Platform) -> Health:
    """Tell how the runner of training is, and whether its pods reach the rest."""
    return bootstrap.training_backend(platform).health()
