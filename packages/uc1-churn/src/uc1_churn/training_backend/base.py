"""What the churn pipeline asks of whatever runs its training."""

from typing import Protocol

from pydantic import Field

from mlops_common.health import Health
from mlops_common.refs import DatasetRef, ModelRef, Ref
from uc1_churn.config import ChurnParams


class TrainingRequest(Ref):
    """Everything that a training run depends on.

    Attributes:
        dataset: The training table.
        params: Of the churn pipeline.
        run_key: Tells one run from another, the same when it is tried again.
        git_commit: Commit of the code that asks; empty where it is not known.
    """

    dataset: DatasetRef
    params: ChurnParams
    run_key: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$", max_length=100)
    git_commit: str = ""


class TrainingBackend(Protocol):
    """Runs the training pipeline of `uc1_churn.training_backend.pipeline`."""

    def train(self, request: TrainingRequest) -> ModelRef:
        """Fit a model, judge it on held-out rows, register it as a new version.

        The same run key registers one version, however often it is tried.

        Returns:
            The new version, or the one that this run key registered before.

        Raises:
            NotFoundError: The training table is not stored.
            ContractError: The table cannot be learnt from.
            BackendError: The runner, the store or the disk failed.
        """
        ...

    def health(self) -> Health:
        """Tell how the runner is.

        Raises:
            ConfigError: It does not admit us.
            BackendError: It cannot be reached.
        """
        ...
