"""From a prediction, or a version of a model, back to what it was made from."""

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Path, Request, Response

from mlops_common.errors import NotFoundError
from uc4_lineage.marquez_api.parameters import MOST, Name, Text, reading
from uc4_lineage.marquez_api.routes.questions import answered

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

router = APIRouter(prefix="/trace")


def platform_of(request: Request) -> "Platform":
    """Return the platform that the server stands for.

    Raises:
        NotFoundError: It stands for a store alone.
    """
    platform: Platform | None = request.app.state.platform
    if platform is None:
        raise NotFoundError("this server knows lineage alone, and no models")
    return platform


@router.get("/prediction")
def last_prediction(request: Request, entity: Text) -> Response:
    """Trace the last prediction about someone."""
    from uc4_lineage.trace.prediction import trace_prediction

    platform = platform_of(request)
    with reading(request) as reader:
        return answered(trace_prediction(platform, reader, None, entity))


@router.get("/prediction/{identifier}")
def prediction(
    request: Request, identifier: Name, entity: Text | None = None
) -> Response:
    """Trace one prediction to its features, data, model and code."""
    from uc4_lineage.trace.prediction import trace_prediction

    platform = platform_of(request)
    with reading(request) as reader:
        return answered(trace_prediction(platform, reader, identifier, entity))


@router.get("/model/{name}/{version}")
def model(
    request: Request,
    name: Name,
    version: Annotated[int, Path(ge=1, le=MOST)],
) -> Response:
    """Trace one version of a model to its data and code."""
    from uc4_lineage.trace.model import trace_model

    platform = platform_of(request)
    with reading(request) as reader:
        return answered(trace_model(platform, reader, name, version))
