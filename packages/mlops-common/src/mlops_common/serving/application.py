"""The kserve application of one model: V1 and Open Inference Protocol (V2) over HTTP.

kserve gives the model life cycle, the V1 and health routes and the metrics. The V2
inference route is ours: kserve's answers hold nulls that the protocol's schema does
not allow, and it knows no model versions.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np
import orjson
from kserve import Model, ModelServer
from kserve.constants.constants import FASTAPI_APP_IMPORT_STRING
from kserve.errors import InferenceError, ModelNotFound
from kserve.model_server import app
from kserve.protocol.dataplane import DataPlane
from kserve.protocol.rest.server import RESTServer
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from mlops_common.errors import ContractError
from mlops_common.serving.base import Predictor, ServiceSpec
from mlops_common.serving.batch import Batch, parsed
from mlops_common.serving.instances import from_instances
from mlops_common.serving.signature import Signature
from mlops_common.serving.tensors import OUTPUT, from_tensors

Recorder: TypeAlias = Callable[[Batch, Sequence[float]], None]
JSON = "application/json"


class Tensors:
    """The body of a V2 request, to tell it from a V1 body."""

    __slots__ = ("body",)

    def __init__(self, body: Any) -> None:
        self.body = body


class ServedModel(Model):  # type: ignore[misc]
    """A predictor as kserve's model.

    Attributes:
        version: Version of the model, as the answers name it.
    """

    def __init__(
        self, spec: ServiceSpec, predictor: Predictor, record: Recorder
    ) -> None:
        super().__init__(spec.name)
        self.version = str(spec.model.version)
        self._predictor = predictor
        self._signature = Signature.of(predictor, spec.entity)
        self._record = record
        self.ready = True

    def predict(
        self,
        payload: Any,
        headers: dict[str, str] | None = None,  # noqa: ARG002 - kserve's signature
        response_headers: dict[str, str] | None = None,  # noqa: ARG002
    ) -> dict[str, Any]:
        """Answer a request of either protocol.

        Raises:
            ContractError: The request does not fit the model.
            InferenceError: The model failed.
        """
        named = {"model_name": self.name, "model_version": self.version}
        if isinstance(payload, Tensors):
            batch = from_tensors(payload.body, self._signature)
            return {**named, "id": batch.id, "outputs": [self._output(batch)]}
        batch = from_instances(payload, self._signature)
        return {**named, "id": batch.id, "predictions": self._scored(batch)}

    def get_input_types(self) -> list[dict[str, Any]]:
        """Return the tensors that the model takes."""
        return self._signature.tensors()

    def get_output_types(self) -> list[dict[str, Any]]:
        """Return the tensor that the model gives."""
        return [{"name": OUTPUT, "datatype": "FP64", "shape": [-1]}]

    def _output(self, batch: Batch) -> dict[str, Any]:
        data = self._scored(batch)
        return {"name": OUTPUT, "datatype": "FP64", "shape": [batch.size], "data": data}

    def _scored(self, batch: Batch) -> list[float]:
        """Return the probability of each row, which is logged."""
        found = np.asarray(self._predictor.predict(batch.rows), dtype=np.float64)
        if found.shape != (batch.size,) or not np.isfinite(found).all():
            raise InferenceError(
                f"model {self.name} version {self.version} must return {batch.size} "
                f"finite probabilities, returned shape {found.shape}: {found!r:.80}"
            )
        probabilities: list[float] = found.tolist()
        self._record(batch, probabilities)
        return probabilities


class VersionedDataPlane(DataPlane):  # type: ignore[misc]
    """kserve's data plane, which knows the version and reads any JSON body."""

    def decode(
        self, body: Any, headers: dict[str, str] | None, *rest: Any, **options: Any
    ) -> Any:
        """Return the decoded body, whatever its content type says."""
        if isinstance(body, bytes) and not (headers and "ce-specversion" in headers):
            body, headers = parsed(body), None
        return super().decode(body, headers, *rest, **options)

    async def model_metadata(self, model_name: str) -> dict[str, Any]:
        """Return the metadata of a model with its version."""
        metadata: dict[str, Any] = await super().model_metadata(model_name)
        model = self.get_model_from_registry(model_name)
        return {**metadata, "versions": [model.version]}

    def check_version(self, path: dict[str, str]) -> str:
        """Return the model that a path names.

        Raises:
            ModelNotFound: The path asks for a model or version that is not here.
        """
        name = path["model"]
        model = self.get_model_from_registry(name)
        wanted = path.get("version", model.version)
        if wanted != model.version:
            raise ModelNotFound(f"{name} version {wanted}")
        return name


class Routes:
    """The routes that replace kserve's: V2 inference, and all with a version."""

    def __init__(self, plane: VersionedDataPlane) -> None:
        self._plane = plane

    async def infer(self, request: Request) -> Response:
        """Answer an inference request."""
        name = self._plane.check_version(request.path_params)
        body = Tensors(parsed(await request.body()))
        answer, _ = await self._plane.infer(model_name=name, request=body)
        return Response(orjson.dumps(answer), media_type=JSON)

    async def metadata(self, request: Request) -> Response:
        """Describe a version of the model."""
        name = self._plane.check_version(request.path_params)
        return JSONResponse(await self._plane.model_metadata(name))

    async def ready(self, request: Request) -> Response:
        """Tell that a version of the model is ready."""
        name = self._plane.check_version(request.path_params)
        return JSONResponse({"name": name, "ready": True})

    def all(self) -> list[Route]:
        """Return the routes, to stand before kserve's own."""
        model = "/v2/models/{model}"
        version = model + "/versions/{version}"
        return [
            Route(f"{model}/infer", self.infer, methods=["POST"]),
            Route(f"{version}/infer", self.infer, methods=["POST"]),
            Route(version, self.metadata, methods=["GET"]),
            Route(f"{version}/ready", self.ready, methods=["GET"]),
        ]


def application(spec: ServiceSpec, predictor: Predictor, record: Recorder) -> Any:
    """Return the ASGI application of a model, made once in a process.

    Args:
        spec: What the service runs.
        predictor: The loaded model.
        record: Called with each answered batch and its probabilities.
    """
    server = ModelServer(enable_grpc=False, enable_latency_logging=False)
    server.register_model(ServedModel(spec, predictor, record))
    server.dataplane = VersionedDataPlane(model_registry=server.registered_models)
    app.router.routes.extend(Routes(server.dataplane).all())
    rest = RESTServer(
        FASTAPI_APP_IMPORT_STRING,
        server.dataplane,
        server.model_repository_extension,
        http_port=0,
    )
    rest.create_application()
    app.add_exception_handler(ContractError, _bad_request)
    app.add_exception_handler(ModelNotFound, _not_found)
    return app


async def _bad_request(_request: Request, error: Exception) -> Response:
    return JSONResponse({"error": str(error)}, status_code=400)


async def _not_found(_request: Request, error: Exception) -> Response:
    """Say what is not here; kserve's own handler also logs a traceback each time."""
    return JSONResponse({"error": str(error)}, status_code=404)
