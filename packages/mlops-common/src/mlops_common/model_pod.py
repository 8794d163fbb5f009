"""Serves a model in a pod of KServe.

`python -m mlops_common.model_pod` reads what it shall serve from the variable
`SERVICE_SPEC`, checks the bytes that KServe fetched, and answers V1 and V2 requests
with health and metrics. It writes the prediction log where the settings name a
database, and ends in good order on SIGTERM. A model that it refuses ends it, with the
reason as its last words.
"""

import argparse
import os
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from mlops_common.errors import ConfigError
from mlops_common.logger import get_logger
from mlops_common.model_server import VERSION_HEADER, connected, load
from mlops_common.processes import LOOPBACK
from mlops_common.serving.artifact import verified
from mlops_common.serving.base import SPECS, ServiceSpec

if TYPE_CHECKING:
    from mlops_common.serving.application import Recorder
    from mlops_common.serving.batch import Batch

VARIABLE = "SERVICE_SPEC"
PORT = 8080
GRACE = 25  # seconds to answer what was begun; Kubernetes kills after 30

log = get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> None:
    """Serve until SIGTERM.

    Raises:
        ConfigError: The variable is absent or tells no service.
        ContractError: The model's bytes are not those that were registered, or there
            is no such predictor.
    """
    options = _parser().parse_args(arguments)
    spec = service(os.environ.get(VARIABLE, ""), options.models)
    predictor = load(spec.predictor, verified(spec.model))
    # kserve reads the command line when it is imported.
    del sys.argv[1:]
    import uvicorn

    from mlops_common.serving.application import application

    # uvicorn hears the signal, and sends it again when it is done: the log is not.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    with _recorder(spec) as record:
        version = (VERSION_HEADER, str(spec.model.version))
        uvicorn.run(
            application(spec, predictor, record),
            host=options.host,
            port=options.port,
            headers=[version],
            access_log=False,
            timeout_graceful_shutdown=GRACE,
        )


def service(text: str, models: Path) -> ServiceSpec:
    """Return the service that `text` tells, with its model in `models`.

    Raises:
        ConfigError: It tells none.

    Examples:
        >>> service("", Path("/mnt/models"))
        Traceback (most recent call last):
        ...
        mlops_common.errors.ConfigError: SERVICE_SPEC must tell what to serve, found ''
    """
    try:
        spec = SPECS.validate_json(text)
    except ValidationError as error:
        raise ConfigError(
            f"{VARIABLE} must tell what to serve, found {text!r:.200}"
        ) from error
    model = spec.model.model_copy(update={"uri": models.resolve().as_uri()})
    return replace(spec, model=model)


@contextmanager
def _recorder(spec: ServiceSpec) -> "Iterator[Recorder]":
    """Yield what records predictions; a pod without a database records none."""
    from mlops_common.bootstrap import connect
    from mlops_common.serving.prediction_log import PredictionLog

    if connect().postgres.server is not None:
        log.warning("no section postgres with a host: predictions are not logged")
        yield _forget
        return
    predictions = PredictionLog(connected, spec.name, spec.model)
    predictions.start()
    try:
        yield predictions.record
    finally:
        predictions.close()


def _forget(_batch: "Batch", _probabilities: Sequence[float]) -> None:
    """Record nothing."""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=Path("/mnt/models"))
    parser.add_argument("--port", type=int, default=PORT)
    parser.add_argument("--host", default=LOOPBACK)
    return parser


if __name__ == "__main__":
    main()
