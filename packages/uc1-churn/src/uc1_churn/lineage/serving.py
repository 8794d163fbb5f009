"""From a version to what it answers: what deploy, target and the endpoint tell."""

from datetime import UTC, datetime

from mlops_common.bootstrap import Platform
from mlops_common.lineage.dataset import Dataset, Origin, columns, copied, derived
from mlops_common.lineage.naming import DatasetName
from mlops_common.lineage.observation import Observation, declared
from mlops_common.refs import EndpointRef, ModelRef
from uc1_churn.config import ChurnParams
from uc1_churn.lineage import features as feature_lineage
from uc1_churn.lineage import models, places, tables
from uc1_churn.lineage.models import OUTPUT, PROBABILITY
from uc1_churn.refs import FeaturesRef
from uc1_churn.result import TargetList

SERVE = "serve"  # what the job of an endpoint is called, before its name
SCORED = "the model"
# As `create_predictions.sql` of the prediction log says.
LOGGED = columns(
    {
        "writer": "uuid",
        "sequence": "bigint",
        "predicted_at": "timestamp with time zone",
        "service": "text",
        "model": "text",
        "model_version": "integer",
        "request_id": "text",
        "entity": "text",
        "features": "jsonb",
        PROBABILITY: "double precision",
    }
)


def deployed(platform: Platform, endpoint: EndpointRef, params: ChurnParams) -> Dataset:
    """Return the endpoint that answers with a version."""
    model = places.model(platform, endpoint.model.name)
    return Dataset(
        name=places.endpoint(platform, endpoint.name, params.namespace),
        fields=OUTPUT,
        version=str(endpoint.model.version),
        kind="ENDPOINT",
        uri=endpoint.url,
        origins=copied(model, [PROBABILITY]),
    )


def read(platform: Platform, endpoint: EndpointRef, params: ChurnParams) -> Dataset:
    """Return the endpoint as a step asks it."""
    return deployed(platform, endpoint, params).model_copy(update={"origins": {}})


def job(
    platform: Platform,
    endpoint: EndpointRef,
    features: FeaturesRef,
    params: ChurnParams,
) -> Observation:
    """Return the job that an endpoint does for as long as it serves, in no run.

    It reads the model and the online features, and logs what it answers.
    """
    return declared(
        f"{SERVE}.{endpoint.name}",
        datetime.now(UTC),
        job_type="ENDPOINT",
        documentation=f"Answers requests with version {endpoint.model.version} of "
        f"{endpoint.model.name}, and logs each answer.",
        inputs=(
            models.version(platform, endpoint.model),
            read(platform, endpoint, params),
            feature_lineage.view(platform, features),
        ),
        outputs=(answered(platform, endpoint, features, params),),
    )


def answered(
    platform: Platform,
    endpoint: EndpointRef,
    features: FeaturesRef,
    params: ChurnParams,
) -> Dataset:
    """Return the prediction log: each probability, and what it was made from."""
    shape = features.columns
    view = feature_lineage.view(platform, features).name
    served = places.endpoint(platform, endpoint.name, params.namespace)
    scored = _scored(served, view, shape.features)
    asked_with = derived(view, {"features": shape.features}, subtype="IDENTITY")
    who = derived(view, {"entity": [shape.entity]}, description="CAST")
    return Dataset(
        name=places.prediction_log(platform),
        fields=LOGGED,
        kind="TABLE",
        origins={PROBABILITY: scored, **asked_with, **who},
    )


def targeted(
    platform: Platform, model: ModelRef, features: FeaturesRef, targets: TargetList
) -> tuple[Dataset, Dataset]:
    """Return the target list, as Parquet and as CSV."""
    name = places.stored(platform, targets.parquet)
    ranked = tables.of_object(platform, targets.parquet, name)
    shape, table = features.columns, places.stored(platform, features.table.key)
    scored = _scored(places.model(platform, model.name), table, shape.features)
    origins = {
        **copied(table, [shape.entity]),
        **dict.fromkeys((PROBABILITY, "expected_value", "rank"), scored),
    }
    text = Dataset(
        name=places.file(targets.csv),
        fields=ranked.fields,
        rows=ranked.rows,
        size=targets.csv.stat().st_size,
        files=1,
        kind="FILE",
        origins=copied(name, [field.name for field in ranked.fields]),
    )
    return ranked.model_copy(update={"origins": origins}), text


def read_targets(platform: Platform, targets: TargetList) -> Dataset:
    """Return the target list as a step reads it."""
    name = places.stored(platform, targets.parquet)
    return tables.of_object(platform, targets.parquet, name)


def _scored(
    model: DatasetName, table: DatasetName, names: tuple[str, ...]
) -> tuple[Origin, ...]:
    """Return the origins of a probability: the model, and every feature."""
    inputs = derived(table, {PROBABILITY: names}, description=SCORED)
    scorer = derived(model, {PROBABILITY: [PROBABILITY]}, description=SCORED)
    return (*scorer[PROBABILITY], *inputs[PROBABILITY])
