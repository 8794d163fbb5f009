"""Training on a Kubeflow Pipelines cluster: submitted, followed, brought back."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError, MlopsError, NotFoundError
from mlops_common.health import Health, found
from mlops_common.logger import get_logger
from mlops_common.progress import step
from mlops_common.refs import ModelRef
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingRequest
from uc1_churn.training_backend.compilation import compiled
from uc1_churn.training_backend.environment import required_secrets
from uc1_churn.training_backend.kubeflow import waiting
from uc1_churn.training_backend.kubeflow.api import KubeflowApi
from uc1_churn.training_backend.kubeflow.patience import Pace
from uc1_churn.training_backend.kubeflow.runs import Run

COMPONENTS = ("fit-model", "register-model")
SHOWN_LINES = 30
# Seconds in which a rival's run of the same key shows: the server counts whole ones.
SETTLE = 3.0
HEALTH_PATIENCE = 5.0  # seconds for the server to answer
CANCEL_PATIENCE = 10.0  # seconds that somebody who interrupts us waits at most

log = get_logger(__name__)


class KubeflowTraining:
    """Runs the training pipeline on a cluster.

    A run carries its run key as its name, by which another process finds it again. The
    API has no unique names: of two that are submitted at once both exist for a moment,
    then the younger is cancelled, seconds before it could register anything.

    Args:
        platform: Where the outcome is read, and the settings of the cluster.
        pace: Pauses between two looks at a run, and between tries.
        settle: Seconds after a submission in which a rival's one shows.
    """

    def __init__(
        self, platform: Platform, pace: Pace | None = None, settle: float = SETTLE
    ) -> None:
        self._objects = platform.objects
        self._settings = platform.settings
        self._pace = pace or Pace()
        self._settle = settle
        self._api = KubeflowApi(platform.settings.kubeflow, self._pace)

    def health(self) -> Health:
        """Tell whether the API server admits us, and what its pods need of us."""
        settings = self._settings.kubeflow
        api = KubeflowApi(settings, Pace(), patience=HEALTH_PATIENCE)
        facts = api.described()
        if required_secrets(self._settings):
            facts += (f"steps need the Secret {settings.environment_secret}",)
        return found(str(settings.host), facts=facts)

    def train(self, request: TrainingRequest) -> ModelRef:
        """Fit, judge and register a model; see `TrainingBackend`.

        An interruption of this process cancels the run. An error of the connection
        does not: the same run key finds it again.

        Raises:
            NotFoundError: The training table is not stored.
            ContractError: The table cannot be learnt from.
            BackendError: A step died, which shows the end of its log; the run was
                cancelled or took too long; or the server did not answer.
            ConfigError: The server does not admit us, or refuses the pipeline; or
                its pods lack the Secret with their variables.
        """
        key = request.run_key
        earlier = outcome.kept(self._objects, key)
        if earlier is not None:
            return earlier
        with step("Train the model"), self._cancelling(request):
            experiment = self._api.experiment(request.params.model_name)
            run = self._under_way(experiment, key)
            # One that ended since we looked has left its model by now.
            earlier = outcome.kept(self._objects, key)
            if run is None and earlier is not None:
                return earlier
            run = self._awaited(run or self._submitted(experiment, request))
        return self._result(run, key)

    def _under_way(self, experiment: str, key: str) -> Run | None:
        """Return the run that an earlier process started, if it may still end well."""
        run = next(iter(self._api.live(experiment, key)), None)
        if run is not None:
            log.info("run %s is under way as %s", key, run.id)
        return run

    def _submitted(self, experiment: str, request: TrainingRequest) -> Run:
        """Start a run; return it, or the older one of somebody else for the key."""
        key = request.run_key
        outcome.forget_error(self._objects, key)
        parameters = {"request": request.model_dump_json()}
        run = self._api.submit(experiment, key, compiled(self._settings), parameters)
        log.info("submitted run %s as %s", key, run.id)
        time.sleep(self._settle)
        first = next(iter(self._api.live(experiment, key)), run)
        if first.id != run.id:
            log.warning("run %s is under way as %s already", key, first.id)
            self._api.terminate(run.id)
        return first

    def _awaited(self, run: Run) -> Run:
        """Return the run after its end.

        Raises:
            BackendError: It took too long, and was cancelled; or somebody deleted it.
        """
        limit = self._settings.kubeflow.timeout
        deadline = time.monotonic() + limit
        for pause in self._pace.pauses():
            if run.ended:
                break
            if time.monotonic() > deadline:
                self._api.terminate(run.id)
                raise BackendError(
                    f"Kubeflow run {run.id} did not end within {limit:.0f} s "
                    f"({_progress(run)}) and was cancelled; see what its pods wait "
                    "for, or raise kubeflow.timeout"
                )
            time.sleep(pause)
            run = self._looked_at(run)
        return run

    def _looked_at(self, run: Run) -> Run:
        try:
            now = self._api.run(run.id)
        except NotFoundError as error:
            raise BackendError(f"Kubeflow run {run.id} was deleted") from error
        if now.state != run.state:
            log.info("Kubeflow run %s is %s", run.id, now.state)
        said = waiting.complaint(self._api, now)
        if said and not now.ended:
            self._api.terminate(run.id)
            raise waiting.refusal(self._settings, run, said)
        return now

    def _result(self, run: Run, key: str) -> ModelRef:
        """Return what the run registered, or raise what ended it."""
        error = outcome.error(self._objects, key) if run.state == "FAILED" else None
        if error is not None:
            raise error
        model = outcome.kept(self._objects, key)
        if model is not None:
            return model
        if run.state == "SUCCEEDED":
            raise BackendError(
                f"Kubeflow run {run.id} succeeded but left no model in "
                f"{self._objects.uri(f'training/{key}')}; see that its pods have the "
                "section minio of this process"
            )
        if run.state == "FAILED":
            raise self._failure(run)
        raise BackendError(
            f"Kubeflow run {run.id} was cancelled before it registered a model; "
            "run again to train again"
        )

    def _failure(self, run: Run) -> MlopsError:
        """Return the error of a step that died without a word of ours."""
        said = waiting.complaint(self._api, run)
        if said:
            return waiting.refusal(self._settings, run, said)
        logs = (
            self._api.log(run.id, task.pod) for task in run.failed[::-1] if task.pod
        )
        lines = next((said for text in logs if (said := text.strip())), "").splitlines()
        reasons = [task.said for task in run.failed[::-1] if task.said]
        reason = next(iter(reasons), run.said) or "no reason given"
        shown = "\n".join(lines[-SHOWN_LINES:]) or "(the server has no log of it)"
        return BackendError(
            f"component {run.culprit(COMPONENTS)} of Kubeflow run {run.id} failed: "
            f"{reason}; the end of its log:\n{shown}"
        )

    @contextmanager
    def _cancelling(self, request: TrainingRequest) -> Iterator[None]:
        """Cancel the run where this process is interrupted, whatever by."""
        try:
            yield
        except MlopsError:
            raise
        except BaseException:
            self._cancel(request)
            raise

    def _cancel(self, request: TrainingRequest) -> None:
        settings = self._settings.kubeflow
        api = KubeflowApi(settings, self._pace, patience=CANCEL_PATIENCE)
        try:
            experiment = api.experiment(request.params.model_name)
            for run in api.live(experiment, request.run_key):
                log.warning("interrupted: cancelling Kubeflow run %s", run.id)
                api.terminate(run.id)
        except MlopsError as error:
            log.warning("the run %s may go on: %s", request.run_key, error)


def _progress(run: Run) -> str:
    """Say how far a run came, such as `RUNNING: fit-model RUNNING`."""
    tasks = [f"{t.name} {t.state}" for t in run.tasks if t.name in COMPONENTS]
    return f"{run.state or 'PENDING'}: {', '.join(tasks) or 'no component started'}"
