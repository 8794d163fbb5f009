"""From a training set to a judged version: what train, find and judge tell."""

from typing import Any

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import Dataset, Field, Origin, derived
from mlops_common.refs import ModelRef
from uc1_churn.features.schema import LABEL
from uc1_churn.gate import Decision
from uc1_churn.lineage import places
from uc1_churn.refs import FeaturesRef
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingRequest

PROBABILITY = "probability"
OUTPUT = (Field(name=PROBABILITY, type="double", description="Of churn."),)


def registered(
    platform: Platform, model: ModelRef, features: FeaturesRef, request: TrainingRequest
) -> Dataset:
    """Return the version that training registered, with its metrics.

    Its output is made from the features, and fitted to the label, of the training set.

    Args:
        platform: Where it is.
        model: The version.
        features: What it learnt from.
        request: What was asked of training, which left its facts.

    Raises:
        BackendError: The object store failed.
    """
    left = outcome.facts(platform.objects, request.run_key)
    facts = {
        **_identity(model),
        "experiment": request.params.model_name,
        "git_commit": left.get("git_commit", request.git_commit),
        "run_key": request.run_key,
        "metrics": left.get("metrics", {}),
    }
    return version(platform, model).model_copy(
        update={"origins": learnt(platform, features), "facets": {"model": facts}}
    )


def learnt(platform: Platform, features: FeaturesRef) -> dict[str, tuple[Origin, ...]]:
    """Return what the output of a model is made from: all that it learns from."""
    return derived(
        places.stored(platform, features.training_set.key),
        {PROBABILITY: [*features.columns.features, LABEL]},
        description="gradient boosted trees, calibrated",
    )


def version(platform: Platform, model: ModelRef) -> Dataset:
    """Return a version of a model as a step reads it.

    Examples:
        >>> from pathlib import Path
        >>> from mlops_common.settings import Settings
        >>> model = ModelRef(name="churn", version=2, run_id="r", uri="u", digest="d")
        >>> found = version(Platform(Settings(home=Path("/home/mlops"))), model)
        >>> print(found.name, found.version)
        mlflow://localhost/churn 2
    """
    return Dataset(
        name=places.model(platform, model.name),
        fields=OUTPUT,
        version=str(model.version),
        kind="MODEL",
        uri=model.uri,
        facets={"model": _identity(model)},
    )


def decision(found: Decision, model: ModelRef) -> dict[str, Any]:
    """Return what the gate found, as the facet of a run.

    Examples:
        >>> from uc1_churn.gate import Check
        >>> auc = Check(name="ROC AUC", value=0.8, limit=0.7, at_least=True)
        >>> model = ModelRef(name="churn", version=2, run_id="r", uri="u", digest="d")
        >>> told = decision(Decision(checks=(auc,), champion=1), model)
        >>> told["passed"], told["champion"], told["evidence"]["ROC AUC"]
        (True, 1, 0.8)
    """
    return {
        "model": model.name,
        "version": model.version,
        "champion": found.champion,
        "passed": found.passed,
        "checks": [
            {**check.model_dump(), "passed": check.passed} for check in found.checks
        ],
        "reasons": [str(check) for check in found.checks if not check.passed],
        "evidence": found.evidence(),
    }


def _identity(model: ModelRef) -> dict[str, Any]:
    return {
        "name": model.name,
        "version": model.version,
        "run_id": model.run_id,
        "uri": model.uri,
        "digest": model.digest,
        "dataset": model.dataset,
    }
