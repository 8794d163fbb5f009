"""From a model version to an endpoint that is known to answer right."""

from mlops_common.bootstrap import connect
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
    store = feature_store(platform)
    table = FeatureTable(
        columns=features.columns, path=platform.datasets.path(features.table)
    )
    spec = ServiceSpec(
        name=params.model_name,
        model=model,
        predictor=PREDICTOR,
        entity=features.columns.entity,
        namespace=params.namespace,
    )
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
    table = FeatureTable(
        columns=features.columns, path=platform.datasets.path(features.table)
    )
    csv = platform.settings.home / "reports" / f"{model.name}-targets.csv"
    entity = features.columns.entity
    reads(
        lambda: models.version(platform, model),
        lambda: feature_lineage.read(platform, features),
        lambda: feature_lineage.read_training_set(platform, features),
    )
    with (
        step("Rank the target list"),
        staging.folder(platform.staging) as folder,
    ):
        outcomes = platform.datasets.path(features.training_set)
        customers, parquet = folder / "customers.parquet", folder / "targets.parquet"
        targeting.current_customers(table, outcomes, customers)
        ranked = targeting.rank(
            customers,
            entity,
            platform.tracking.download(model),
            logged_evaluation(platform.tracking, model).threshold,
            params.economics,
        )
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
