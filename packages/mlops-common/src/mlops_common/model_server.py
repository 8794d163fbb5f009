"""Serves one revision of a service; a process that the supervisor starts.

`python -m mlops_common.model_server FOLDER REVISION HANDLE` loads the model,
answers at a private port, and says so. Told `serve`, it answers at the stable URL too;
told `retire`, it leaves that URL and ends when its connections are done. It ends in
good order, with the prediction log written, on `stop`, on SIGTERM and when the
supervisor dies.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from mlops_common.errors import ContractError
from mlops_common.serving.base import Predictor
from mlops_common.serving.local.channel import Ears, Line
from mlops_common.serving.local.state import ServiceFolder

if TYPE_CHECKING:
    import psycopg


VERSION_HEADER = "X-Model-Version"  # of every answer


def main(folder: str, revision: str, handle: str) -> None:
    """Serve a revision until told to stop.

    Args:
        folder: Folder of the service.
        revision: Number of the revision.
        handle: File descriptor of the line to the supervisor.
    """
    line, ears = Line(int(handle)), Ears()
    line.listen(ears.hear)
    service = ServiceFolder(Path(folder))
    spec = service.spec(int(revision))
    predictor = load(spec.predictor, service.model(int(revision)))
    # kserve reads the command line when it is imported.
    del sys.argv[1:]
    with _without_kubernetes():
        from mlops_common.serving.application import application
    from mlops_common.serving.local.listeners import serve
    from mlops_common.serving.prediction_log import PredictionLog

    log = PredictionLog(connected, spec.name, spec.model)
    app = application(spec, predictor, log.record)
    log.start()
    serve(app, line, ears, headers={VERSION_HEADER: str(spec.model.version)})
    log.close()


def connected() -> "psycopg.Connection":
    """Open a connection to the log's database, by the settings of this process.

    Raises:
        ConfigError: The settings do not fit together, or the server refuses the user.
        BackendError: The server cannot be reached.
    """
    from mlops_common.bootstrap import connect
    from mlops_common.serving.prediction_log import DATABASE

    postgres = connect().postgres
    postgres.ensure_database(DATABASE)
    return postgres.connect(DATABASE)


def load(predictor: str, folder: Path) -> Predictor:
    """Return the model in `folder`, loaded by the function `module:name`.

    Raises:
        ContractError: There is no such function.

    Examples:
        >>> load("json:no_such", Path())  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        mlops_common.errors.ContractError: the predictor 'json:no_such' is no ...
    """
    module, _, name = predictor.partition(":")
    try:
        function = getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ContractError(
            f"the predictor {predictor!r} is no function of an importable module: "
            f"{error}"
        ) from error
    loaded: Predictor = function(folder)
    return loaded


@contextmanager
def _without_kubernetes() -> Iterator[None]:
    """Spare kserve's import the Kubernetes client, which takes a third of its time.

    A model server talks to no cluster; who does imports the real client afterwards.
    """
    if "kubernetes" in sys.modules:
        yield
        return
    stand_in = ModuleType("kubernetes")
    for name in ("client", "config", "watch"):
        setattr(stand_in, name, None)
    sys.modules["kubernetes"] = stand_in
    try:
        yield
    finally:
        del sys.modules["kubernetes"]


if __name__ == "__main__":
    main(*sys.argv[1:])
