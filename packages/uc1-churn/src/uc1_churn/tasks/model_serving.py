"""From a model version to an endpoint that is known to answer right."""

from pathlib import Path

import pyarrow as pa

from mlops_common.bootstrap import Platform, connect
from mlops_common.lineage.recording import declares, reads, writes
from mlops_common.orchestration.tasks import HOUR, task
from mlops_common.progress import step
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.serving.base import ServiceSpec
from uc1_churn import gate, targeting
from uc1_churn.bootstrap import feature_store
from uc1_churn.config import ChurnParams
from uc1_churn.evaluation.champion import reconciled
from uc1_churn.evaluation.log import logged_evaluation
from uc1_churn.features.schema import FeatureTable
from uc1_churn.gate import Decision
from uc1_churn.lineage import features as feature_lineage
from uc1_churn.lineage import models
from uc1_churn.lineage import serving as lineage
from uc1_churn.refs import FeaturesRef
from uc1_churn.result import TargetList
from uc1_churn.serving import deployment
from uc1_churn.tables import staging

PREDICTOR = "uc1_churn.serving:load_predictor"


@task(timeout=HOUR)
def deploy_to_kserve(
    model: ModelRef,
    features: FeaturesRef,
    params: ChurnParams,
    decision: Decision | None = None,
) -> EndpointRef:
    """Serve the version once it answers as it does offline; then it is champion.

    The version that the gate compared it with must still be the champion; without a
    decision, it must be the champion itself.
    """
    platform = connect()
    serving, tracking = platform.serving, platform.tracking
    alias = params.gate.champion_alias
    store, table = feature_store(platform), _table(platform, features)
    spec = _spec(model, features, params)
    reads(
        lambda: models.version(platform, model),
        lambda: feature_lineage.read(platform, features),
        lambda: feature_lineage.view(platform, features),
    )
    with step(f"Deploy {model.name} version {model.version}"):
        staged = serving.stage(spec)
        try:
            folder = tracking.download(model)
            deployment.check(staged, folder, table, store, params.serving)
            champion = reconciled(serving, tracking, model.name, alias)
            gate.require_unchanged(decision, model, champion)
            endpoint = serving.promote(spec.name)
        except BaseException:
            serving.discard(spec.name)
            raise
        tracking.set_alias(model, alias)
    writes(lambda: lineage.deployed(platform, endpoint, params))
    declares(lambda: lineage.job(platform, endpoint, features, params))
    return endpoint


@task(timeout=HOUR)
def write_target_list(
    model: ModelRef, features: FeaturesRef, params: ChurnParams
) -> TargetList:
    """Rank today's customers by what an offer is expected to earn."""
    platform = connect()
    csv = platform.settings.home / "reports" / f"{model.name}-targets.csv"
    reads(
        lambda: models.version(platform, model),
        lambda: feature_lineage.read(platform, features),
        lambda: feature_lineage.read_training_set(platform, features),
    )
    with (
        step("Rank the target list"),
        staging.folder(platform.staging) as folder,
    ):
        ranked = _ranked(platform, model, features, params, folder)
        parquet = folder / "targets.parquet"
        targeting.write(ranked, parquet, csv)
        ref = platform.datasets.store(
            f"{model.name}-targets", parquet, prefix=f"targets/{model.name}"
        )
    targets = TargetList(
        rows=ranked.num_rows,
        expected_value=targeting.total(ranked),
        parquet=ref.key,
        csv=csv,
    )
    writes(lambda: lineage.targeted(platform, model, features, targets))
    return targets


def _table(platform: Platform, features: FeaturesRef) -> FeatureTable:
    path = platform.datasets.path(features.table)
    return FeatureTable(columns=features.columns, path=path)


def _spec(model: ModelRef, features: FeaturesRef, params: ChurnParams) -> ServiceSpec:
    return ServiceSpec(
        name=params.model_name,
        model=model,
        predictor=PREDICTOR,
        entity=features.columns.entity,
        namespace=params.namespace,
    )


def _ranked(
    platform: Platform,
    model: ModelRef,
    features: FeaturesRef,
    params: ChurnParams,
    folder: Path,
) -> pa.Table:
    """Return the list of the customers who have not left; their file is in `folder`."""
    customers = folder / "customers.parquet"
    outcomes = platform.datasets.path(features.training_set)
    targeting.current_customers(_table(platform, features), outcomes, customers)
    return targeting.rank(
        customers,
        features.columns.entity,
        platform.tracking.download(model),
        logged_evaluation(platform.tracking, model).threshold,
        params.economics,
    )
