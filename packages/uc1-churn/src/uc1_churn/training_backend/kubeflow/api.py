"""The Kubeflow Pipelines API: asked again while it does not answer.

The generated client is used, not `kfp.Client`, whose health checks turn a wrong token
into a timeout, and whose wait gives up at one answer of 503, returns on a run that
failed and never on one that was cancelled.
"""

import json
import os
import re
import time
from collections.abc import Callable, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import kfp_server_api
import urllib3
from kfp_server_api.exceptions import ApiException

from mlops_common.errors import BackendError, ConfigError, MlopsError
from mlops_common.logger import get_logger
from mlops_common.sections import KubeflowSettings
from uc1_churn.training_backend.kubeflow import refusals
from uc1_churn.training_backend.kubeflow.patience import Pace
from uc1_churn.training_backend.kubeflow.runs import Run, parsed

R = TypeVar("R")
log = get_logger(__name__)

# Where Kubernetes puts the token that a pod shows to Kubeflow, unless told otherwise.
POD_TOKEN = "/var/run/secrets/kubeflow/pipelines/token"  # noqa: S105 - a path
POD_TOKEN_VARIABLE = "KF_PIPELINES_SA_TOKEN_PATH"  # noqa: S105 - a name
TIMEOUTS = (10.0, 60.0)  # seconds to connect, and to read
LOG = "/apis/v1alpha1/runs/{run_id}/nodes/{node_id}/log"
# How the server answers who asks for the log of a pod that does not run yet.
WAITING = re.compile(r"is waiting to start: (?P<reason>\w+)")
CONFLICT, BAD_REQUEST, NOT_FOUND = 409, 400, 404
EQUALS = 1


class KubeflowApi:
    """The API server of the settings.

    Every call raises `ConfigError` at once where the server refuses us, and
    `BackendError` where it does not answer for longer than the patience lasts.

    Args:
        settings: Where it is, and how we log in; a token file is read anew each time,
            because Kubernetes renews what it holds.
        pace: Pauses between tries.
        patience: Seconds to try for; those of the settings when omitted.
    """

    def __init__(
        self, settings: KubeflowSettings, pace: Pace, patience: float | None = None
    ) -> None:
        self._settings = settings
        self._pace = pace
        self._patience = settings.patience if patience is None else patience

    def described(self) -> tuple[str, ...]:
        """Return what kind of server it is, once it has admitted us."""

        def once() -> tuple[str, ...]:
            place = self._namespace
            api = kfp_server_api.ExperimentServiceApi(self._client)
            api.experiment_service_list_experiments(
                page_size=1, **place, _request_timeout=TIMEOUTS
            )
            return tuple(f"{key} {value}" for key, value in place.items())

        return ("admits us", *self._tried("list the experiments", once))

    def experiment(self, name: str) -> str:
        """Return the id of an experiment; made when absent."""
        return self._tried(
            f"open the experiment {name!r}",
            lambda: self._found_experiment(name) or self._made_experiment(name),
        )

    def live(self, experiment: str, name: str) -> list[Run]:
        """Return the runs of a name that may still end well, the oldest first."""
        return self._tried("list the runs", lambda: self._live(experiment, name))

    def submit(
        self,
        experiment: str,
        name: str,
        document: Mapping[str, Any],
        parameters: Mapping[str, Any],
    ) -> Run:
        """Start a run; return that of a try whose answer was lost, if there is one."""
        run = kfp_server_api.V2beta1Run(
            experiment_id=experiment,
            display_name=name,
            pipeline_spec=dict(document),
            runtime_config=kfp_server_api.V2beta1RuntimeConfig(
                parameters=dict(parameters)
            ),
            service_account=self._settings.service_account,
        )

        def once() -> Run:
            lost = self._live(experiment, name)
            if lost:
                return lost[0]
            made = self._runs.run_service_create_run(run, _request_timeout=TIMEOUTS)
            return parsed(made)

        return self._tried("submit the run", once)

    def run(self, run_id: str) -> Run:
        """Return a run as it is now."""
        return self._tried(
            f"read the run {run_id}",
            lambda: parsed(
                self._runs.run_service_get_run(run_id, _request_timeout=TIMEOUTS)
            ),
        )

    def terminate(self, run_id: str) -> None:
        """Cancel a run; one that ended or is gone is no error."""

        def once() -> None:
            try:
                self._runs.run_service_terminate_run(run_id, _request_timeout=TIMEOUTS)
            except ApiException as error:
                if error.status not in {BAD_REQUEST, NOT_FOUND, CONFLICT}:
                    raise

        self._tried(f"cancel the run {run_id}", once)

    def log(self, run_id: str, pod: str) -> str:
        """Return the log of a pod; empty where the server has none."""
        try:
            return self._log(run_id, pod)
        except (ApiException, urllib3.exceptions.HTTPError):
            return ""

    def waiting(self, run_id: str, pod: str) -> str:
        """Return why a pod does not start, in Kubernetes' word; empty if untold."""
        try:
            self._log(run_id, pod)
        except ApiException as error:
            found = WAITING.search(str(error.body))
            return found["reason"] if found else ""
        except urllib3.exceptions.HTTPError:
            return ""
        return ""

    def _log(self, run_id: str, pod: str) -> str:
        answer = self._client.call_api(
            LOG,
            "GET",
            path_params={"run_id": run_id, "node_id": pod},
            auth_settings=["Bearer"],
            _preload_content=False,
            _return_http_data_only=True,
            _request_timeout=TIMEOUTS,
        )
        return str(answer.data.decode("utf-8", "replace"))

    def _tried(self, what: str, call: Callable[[], R]) -> R:
        """Return what the call returns, which the server may fail for a while."""
        began, pauses = time.monotonic(), self._pace.pauses()
        while True:
            pause = next(pauses)
            try:
                return call()
            except (ApiException, urllib3.exceptions.HTTPError) as error:
                refusal = self._refusal(what, error)
                over = time.monotonic() + pause > began + self._patience
                if over or not isinstance(refusal, BackendError):
                    raise refusal from error
                log.warning("%s; asking again", refusal)
            time.sleep(pause)

    def _refusal(self, what: str, error: Exception) -> MlopsError:
        return refusals.translated(str(self._settings.host), what, error)

    def _live(self, experiment: str, name: str) -> list[Run]:
        found = self._runs.run_service_list_runs(
            experiment_id=experiment,
            filter=_named(name),
            page_size=100,
            sort_by="created_at desc",
            _request_timeout=TIMEOUTS,
        )
        runs = [run for run in map(parsed, found.runs or ()) if run.live]
        return sorted(runs, key=lambda run: (run.created, run.id))

    def _found_experiment(self, name: str) -> str | None:
        api = kfp_server_api.ExperimentServiceApi(self._client)
        found = api.experiment_service_list_experiments(
            filter=_named(name), **self._namespace, _request_timeout=TIMEOUTS
        )
        return found.experiments[0].experiment_id if found.experiments else None

    def _made_experiment(self, name: str) -> str:
        api = kfp_server_api.ExperimentServiceApi(self._client)
        wanted = kfp_server_api.V2beta1Experiment(display_name=name, **self._namespace)
        try:
            made = api.experiment_service_create_experiment(
                wanted, _request_timeout=TIMEOUTS
            )
        except ApiException as error:
            if error.status != CONFLICT:
                raise
            # Another process was faster.
            made = None
        return str(made.experiment_id if made else self._found_experiment(name))

    @cached_property
    def _namespace(self) -> dict[str, str]:
        """The namespace where the server serves several, which others refuse."""
        health = kfp_server_api.HealthzServiceApi(self._client)
        found = health.healthz_service_get_healthz(_request_timeout=TIMEOUTS)
        if found.multi_user is None:
            raise ConfigError(
                f"kubeflow.host {self._settings.host} answers, but not as the Kubeflow "
                "Pipelines API does; give the URL below which /apis/v2beta1 is found"
            )
        return {"namespace": self._settings.namespace} if found.multi_user else {}

    @cached_property
    def _runs(self) -> Any:
        return kfp_server_api.RunServiceApi(self._client)

    @cached_property
    def _client(self) -> Any:
        settings = self._settings
        configuration = kfp_server_api.Configuration(
            host=str(settings.host).rstrip("/")
        )
        # The tries are ours to count.
        configuration.retries = False
        if settings.ca_file is not None:
            if not settings.ca_file.is_file():
                raise ConfigError(f"kubeflow.ca_file {settings.ca_file} is no file")
            configuration.ssl_ca_cert = str(settings.ca_file)
        if _token(settings) is not None:
            # A key must be there for the hook to be asked.
            configuration.api_key["authorization"] = ""
            configuration.api_key_prefix["authorization"] = "Bearer"
            configuration.refresh_api_key_hook = self._renew
        return kfp_server_api.ApiClient(configuration)

    def _renew(self, configuration: Any) -> None:
        configuration.api_key["authorization"] = _token(self._settings) or ""


def _token(settings: KubeflowSettings) -> str | None:
    given = settings.secret("token")
    if given is not None:
        return given
    file = Path(os.environ.get(POD_TOKEN_VARIABLE, POD_TOKEN))
    return file.read_text("utf-8").strip() if file.is_file() else None


def _named(name: str) -> str:
    predicate = {"operation": EQUALS, "key": "display_name", "stringValue": name}
    return json.dumps({"predicates": [predicate]})
