"""What the API answers where something is wrong, in Marquez' form."""

from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    MlopsError,
    NotFoundError,
    RefusedError,
)
from mlops_common.logger import get_logger

log = get_logger(__name__)

STATUS: dict[type[Exception], int] = {
    NotFoundError: 404,
    ContractError: 400,
    RefusedError: 403,
    ConfigError: 500,
    BackendError: 503,
}
UNFORESEEN = "the request could not be answered; the server's log says why"


def failure(status: int, message: str, **more: Any) -> Response:
    """Return the answer of a request that failed.

    Args:
        status: HTTP status.
        message: What was expected, what was found, what to do.
        more: Other properties of the body.

    Examples:
        >>> failure(503, "try again later").body
        b'{"code":503,"message":"try again later"}'
    """
    body = orjson.dumps({"code": status, "message": message, **more})
    return Response(body, status, media_type="application/json")


def add_handlers(app: FastAPI) -> None:
    """Let an application answer every error in Marquez' form."""
    app.add_exception_handler(MlopsError, _ours)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _of_http)
    app.add_exception_handler(Exception, _unforeseen)


async def _ours(_: Request, error: Exception) -> Response:
    status = next(code for kind, code in STATUS.items() if isinstance(error, kind))
    if status >= STATUS[ConfigError]:
        log.error("%s", error)
    return failure(status, str(error))


async def _malformed(_: Request, error: Exception) -> Response:
    found = error.errors() if isinstance(error, RequestValidationError) else []
    said = (f"{each['loc'][-1]}: {each['msg']}" for each in found)
    return failure(400, "; ".join(said))


async def _of_http(_: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    detail = error.detail if isinstance(error, HTTPException) else UNFORESEEN
    answer = failure(status, str(detail))
    answer.headers.update(getattr(error, "headers", None) or {})
    return answer


async def _unforeseen(_: Request, error: Exception) -> Response:
    log.error("a request failed", exc_info=error)
    return failure(500, UNFORESEEN)
