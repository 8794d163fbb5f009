"""The composition root of UC1: the only place here that asks what is external."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform
    from uc1_churn.feature_store.store import FeatureStore
    from uc1_churn.training_backend.base import TrainingBackend


def training_backend(platform: "Platform") -> "TrainingBackend":
    """Return what runs the training: Kubeflow where a server is named, else we do.

    Raises:
        ConfigError: The pods of that server cannot reach a part of the platform.
    """
    if platform.settings.kubeflow.external:
        from uc1_churn.training_backend.kubeflow import shared_parts
        from uc1_churn.training_backend.kubeflow.training import KubeflowTraining

        shared_parts.require(platform.settings)
        return KubeflowTraining(platform)
    from uc1_churn.training_backend.local import LocalTraining

    return LocalTraining(platform)


def feature_store(platform: "Platform") -> "FeatureStore":
    """Return the feature store, on the platform's PostgreSQL or on one of its own."""
    from mlops_common.postgres.database import Postgres
    from uc1_churn.feature_store.store import FeatureStore

    settings = platform.settings.feast
    postgres = platform.postgres
    if settings.postgres is not None and settings.postgres.external:
        postgres = Postgres(settings.postgres, None)
    return FeatureStore(postgres, platform.settings.feast_repo, redis=settings.redis)
