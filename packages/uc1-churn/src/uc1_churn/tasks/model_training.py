"""From a training set to a model version that was held against the champion."""

from mlops_common.bootstrap import connect
from mlops_common.lineage.recording import notes, reads, writes
from mlops_common.orchestration.tasks import HOUR, MINUTE, task
from mlops_common.progress import step
from mlops_common.refs import ModelRef
from uc1_churn import gate, provenance, resumption
from uc1_churn.bootstrap import training_backend
from uc1_churn.config import ChurnParams
from uc1_churn.evaluation.champion import compare_with_champion, reconciled, standing
from uc1_churn.evaluation.log import logged_evaluation
from uc1_churn.gate import Decision
from uc1_churn.lineage import features as feature_lineage
from uc1_churn.lineage import models as lineage
from uc1_churn.refs import FeaturesRef
from uc1_churn.training_backend.attempt import run_key
from uc1_churn.training_backend.base import TrainingRequest


# A server has a limit of its own, `kubeflow.timeout`, which says more when it is hit.
@task(timeout=24 * HOUR, holds=resumption.still_trained)
def trigger_kubeflow_training(features: FeaturesRef, params: ChurnParams) -> ModelRef:
    """Run the Kubeflow pipeline of training; a retry finds what the first try made."""
    platform, table = connect(), features.training_set
    request = TrainingRequest(
        dataset=table,
        params=params,
        run_key=run_key(platform, table, params, provenance.code_digest()),
        git_commit=provenance.git_commit(),
    )
    reads(lambda: feature_lineage.read_training_set(platform, features))
    with step("Train through Kubeflow Pipelines"):
        model = training_backend(platform).train(request)
    writes(lambda: lineage.registered(platform, model, features, request))
    return model


@task(timeout=HOUR)
def judge_challenger(
    model: ModelRef, features: FeaturesRef, params: ChurnParams
) -> Decision:
    """Hold the new version against the limits and the champion; decide nothing yet."""
    platform = connect()
    tracking = platform.tracking
    reads(lambda: lineage.version(platform, model))
    reads(lambda: feature_lineage.read_training_set(platform, features))
    with step("Judge the new model"):
        evaluation = logged_evaluation(tracking, model)
        alias = params.gate.champion_alias
        champion = reconciled(platform.serving, tracking, model.name, alias)
        if champion is None:
            decision = gate.decide(evaluation, params.gate)
        else:
            comparison = compare_with_champion(
                platform.datasets.path(features.training_set),
                tracking.download(model),
                tracking.download(champion),
                params,
            )
            decision = gate.decide(
                evaluation, params.gate, comparison, champion.version
            )
    notes("decision", lambda: lineage.decision(decision, model))
    return decision


@task(timeout=10 * MINUTE)
def find_champion(params: ChurnParams) -> ModelRef:
    """Return the version that the alias names, where nothing is to be trained."""
    platform = connect()
    name, alias = params.model_name, params.gate.champion_alias
    with step("Find the champion"):
        model = standing(platform.serving, platform.tracking, name, alias)
    reads(lambda: lineage.version(platform, model))
    return model
