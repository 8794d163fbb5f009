"""Services to deploy in tests, of models whose version is their bias."""

from pathlib import Path
from typing import Any

from mlops_common.refs import ModelRef
from mlops_common.serving.artifact import folder_digest
from mlops_common.serving.base import ServiceSpec
from mlops_common.testing import predictors

SERVICE = "scores"
BRIEF = "brief"  # a service that a test deletes
LOADER = "mlops_common.testing.predictors:load"
BROKEN = "mlops_common.testing.predictors:fail"
STAGED, NEXT, ALTERED, FAILING = 20, 30, 40, 50  # versions
CANARY, FIRST, SECOND = 70, 80, 81


def spec(
    folder: Path,
    version: int,
    *,
    name: str = SERVICE,
    predictor: str = LOADER,
    **fields: Any,
) -> ServiceSpec:
    """Return a service of a model in `folder`, which is written when absent.

    Args:
        folder: Where models lie.
        version: Version of the model; also its bias, so that versions differ.
        name: Name of the service.
        predictor: What loads it.
        fields: Fields of the score, see `mlops_common.testing.predictors`.
    """
    path = folder / str(version)
    if not path.exists():
        predictors.save(path, bias=version, **fields)
    model = ModelRef(
        name="score",
        version=version,
        run_id="run",
        uri=path.resolve().as_uri(),
        digest=folder_digest(path),
    )
    return ServiceSpec(name, model, predictor, entity="customer_id")
