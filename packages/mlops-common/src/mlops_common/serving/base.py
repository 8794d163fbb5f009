"""What the pipelines ask of model serving, and what a model package gives it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import TypeAdapter

from mlops_common.health import Health
from mlops_common.refs import EndpointRef, ModelRef

if TYPE_CHECKING:
    import numpy as np


class Predictor(Protocol):
    """A loaded model, as its package gives it to the server.

    It may also have `datatypes`, a mapping from column to the Open Inference
    Protocol's name of its type (`FP64`, `INT64`, `BOOL` or `BYTES`, which is text);
    columns that it does not name are `FP64`.

    Attributes:
        columns: Names of the features, in order.
    """

    columns: tuple[str, ...]

    def predict(self, rows: Mapping[str, Sequence[Any]]) -> "np.ndarray":
        """Return the probability of each row.

        Args:
            rows: Column to its n values: `float` for `FP64` (NaN is missing), `int`,
                `bool`, or `str` for `BYTES` (None is missing).

        Returns:
            Probabilities, shape (n,).

        Raises:
            ContractError: The rows cannot be scored; the client is told so.
        """
        ...


@dataclass(frozen=True, slots=True)
class ServiceSpec:
    """What a service shall run.

    Attributes:
        name: Name of the service, which is also the model's name in its URLs.
        model: The version to serve; its `uri` is a folder.
        predictor: `module:function` that returns the `Predictor`; it is called with
            the local folder of the model.
        entity: Name of an optional extra input, such as `customer_id`, which is
            logged with the prediction but is no feature.
        namespace: Kubernetes namespace of the service; unused on one machine.
    """

    name: str
    model: ModelRef
    predictor: str
    entity: str = ""
    namespace: str = ""


SPECS = TypeAdapter(ServiceSpec)  # to JSON and back


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """How a service is doing.

    Attributes:
        running: Whether the promoted version answers.
        endpoint: The promoted version at the stable URL, if there is one.
        staged: The staged version at its private URL, if one is ready.
        restarts: How often its server was started again after it had died.
        problem: Why it does not answer; empty when it does.
        percent: Share of the requests that the staged version answers, 0 to 100.
        canary_restarts: How often the staged version's server was started again.
    """

    running: bool
    endpoint: EndpointRef | None
    staged: EndpointRef | None
    restarts: int = 0
    problem: str = ""
    percent: int = 0
    canary_restarts: int = 0


class Serving(Protocol):
    """Services by name; each answers with one model version at one stable URL.

    A deploy stages a version, looks at it, may give it a share of the requests (a
    canary), and promotes or discards it. Only one deploy of a service goes on at a
    time.
    """

    def stage(self, spec: ServiceSpec) -> EndpointRef:
        """Start a version beside the one that serves; it gets no traffic yet.

        A version that was staged before is replaced.

        Returns:
            The ready version at its private URL.

        Raises:
            NotFoundError: The model's folder does not exist.
            ContractError: The model's bytes are not those that `spec.model` names.
            RefusedError: Another process is deploying this service.
            BackendError: The version did not become ready; holds its last log lines.
        """
        ...

    def split(self, name: str, percent: int) -> EndpointRef:
        """Let the staged version answer a share of the requests at the stable URL.

        Args:
            name: Name of the service.
            percent: Share of the requests, 0 to 100; 0 takes the canary back.

        Returns:
            The staged version.

        Raises:
            ConfigError: The share is not between 0 and 100.
            NotFoundError: Nothing is staged, or nothing was promoted yet.
            RefusedError: The backend cannot split requests, or another deploy took
                the place of the version staged here.
            BackendError: The split did not come about in time.
        """
        ...

    def promote(self, name: str) -> EndpointRef:
        """Give the stable URL to the staged version; no request is dropped.

        Connections made after the return reach it alone. The version before it ends
        once its open connections are done.

        Raises:
            NotFoundError: Nothing is staged.
            RefusedError: Another deploy took the place of the version staged here.
            BackendError: The staged version fails; the one before it serves on.
        """
        ...

    def discard(self, name: str) -> None:
        """Stop the staged version, if there is one.

        Where this object staged a version that another deploy replaced, that other
        one is left alone.
        """
        ...

    def roll_back(self, name: str) -> EndpointRef:
        """Give the stable URL back to the version promoted before; drop what is staged.

        Returns:
            The version that serves now, ready. Rolling back twice serves the first one
            again.

        Raises:
            NotFoundError: No version was promoted before the one that serves.
            RefusedError: Another process is deploying this service.
            BackendError: The version did not become ready; the other one serves on.
        """
        ...

    def delete(self, name: str) -> None:
        """Stop the service and forget it with all its versions; absent is no error.

        Raises:
            RefusedError: Another process is deploying this service.
            BackendError: It cannot be deleted.
        """
        ...

    def endpoint(self, name: str) -> EndpointRef:
        """Return the promoted version once it answers; restart what had stopped.

        Raises:
            NotFoundError: Nothing was promoted under this name.
            BackendError: It cannot be started; holds its last log lines.
        """
        ...

    def status(self, name: str) -> ServiceStatus:
        """Tell how a service is doing, and change nothing.

        Raises:
            NotFoundError: There is no such service.
        """
        ...

    def stop(self, name: str) -> None:
        """Stop the service and what is staged; `endpoint` starts it again.

        Every prediction that was answered is in the log afterwards.
        """
        ...

    def health(self) -> Health:
        """Tell how serving itself is: what runs the services, and what it can do.

        Raises:
            ConfigError: The cluster does not admit us.
            BackendError: It cannot be reached, or has no KServe.
        """
        ...

    def names(self) -> list[str]:
        """Return the names of the services with a version to run, sorted."""
        ...
