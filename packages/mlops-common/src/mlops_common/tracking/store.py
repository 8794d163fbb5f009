"""The tracking store: runs, model versions and aliases."""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.refs import ModelRef
from mlops_common.tracking.connection import Connection
from mlops_common.tracking.copies import copied
from mlops_common.tracking.runs import Run, model_ref

RUN_KEY = "run_key"
# What a value that is searched for may hold: MLflow's filters cannot escape quotes.
SEARCHABLE = re.compile(r"[\w.@:/+ -]+")


class Tracking:
    """The tracking store.

    Args:
        uri: SQLAlchemy URL of a database, or URL of a tracking server. May hold a
            password, which no message shows.
        artifacts: URI below which new experiments keep their files; where the
            tracking server says when omitted.
        variables: What MLflow's client reads from the environment, such as a login.
        copies: Folder for copies of models that are kept elsewhere, each under its
            digest; without it a copy lasts as long as this process.
        pages: URL of the server that shows a database's runs, where there is one.
    """

    def __init__(
        self,
        uri: str,
        artifacts: str | None,
        variables: Mapping[str, str] | None = None,
        copies: Path | None = None,
        pages: str = "",
    ) -> None:
        self._connection = Connection(uri, variables)
        self._copies = copies
        self._pages = pages or (_bare(uri) if uri.startswith("http") else "")
        self._artifacts = artifacts

    def __repr__(self) -> str:
        """Name the store without its password."""
        return f"Tracking({self._connection.address!r})"

    @contextmanager
    def run(
        self, experiment: str, *, name: str, key: str, tags: Mapping[str, str]
    ) -> Iterator["Run"]:
        """Open a run; an error marks it as failed, and goes on.

        A run that was killed stays open until the same key is run again, which marks
        it as killed.

        Args:
            experiment: Name of the experiment; made when absent.
            name: Name of the run, for people.
            key: Tells one run from another, the same when it is tried again.
            tags: Further facts of the run.

        Raises:
            BackendError: The store cannot be reached or written.
        """
        with self._connection.translated("open a run"):
            number = self._experiment(experiment)
            self._end_killed(number, key)
            started = self._connection.client.create_run(
                number, run_name=name, tags={**tags, RUN_KEY: key}
            )
        run = Run(self._connection, started.info.run_id, number)
        status = "FAILED"
        try:
            yield run
            status = "FINISHED"
        finally:
            with self._connection.translated("close a run"):
                self._connection.client.set_terminated(run.id, status)

    def find(self, name: str, tags: Mapping[str, str]) -> ModelRef | None:
        """Return the newest version of a model that has all the tags, if any.

        Raises:
            ContractError: A tag has a value that cannot be searched for.
            BackendError: The store cannot be reached.
        """
        wanted = {"name": name, **{f"tags.{key}": tags[key] for key in tags}}
        with self._connection.translated("search the model versions"):
            found = self._connection.client.search_model_versions(_filter(wanted))
        newest = max(found, key=lambda version: int(version.version), default=None)
        return None if newest is None else model_ref(newest)

    def version(self, name: str, number: int) -> ModelRef:
        """Return a version of a model.

        Raises:
            NotFoundError: There is none; lists those that there are.
            BackendError: The store cannot be reached.
        """
        with self._connection.translated("read a model version"):
            found = self._connection.client.search_model_versions(
                _filter({"name": name})
            )
        versions = {int(version.version): version for version in found}
        if number not in versions:
            raise self._no_model(name, f"version {number}", map(str, sorted(versions)))
        return model_ref(versions[number])

    def champion(self, name: str, alias: str) -> ModelRef | None:
        """Return the version that an alias names; nothing while none does."""
        with self._connection.translated("read an alias"):
            version = self._aliased(name, alias)
        return None if version is None else model_ref(version)

    def resolve(self, name: str, alias: str) -> ModelRef:
        """Return the version that an alias names.

        Raises:
            NotFoundError: The model or the alias is unknown; lists the known ones.
            BackendError: The store cannot be reached.
        """
        model = self.champion(name, alias)
        if model is None:
            raise self._no_model(name, f"alias {alias!r}", self.aliases(name))
        return model

    def aliases(self, name: str) -> dict[str, int]:
        """Return the aliases of a model with the versions they name; may be none."""
        with self._connection.translated("read the aliases"):
            models = self._connection.client.search_registered_models(
                _filter({"name": name})
            )
            found = models[0].aliases if models else {}
        return {alias: int(version) for alias, version in sorted(found.items())}

    def set_alias(self, model: ModelRef, alias: str) -> None:
        """Let an alias name this version, and no other.

        Raises:
            NotFoundError: There is no such version.
            BackendError: The store cannot be written.
        """
        self.version(model.name, model.version)
        with self._connection.translated("set an alias"):
            self._connection.client.set_registered_model_alias(
                model.name, alias, str(model.version)
            )

    def tags(self, model: ModelRef) -> dict[str, str]:
        """Return the tags of a version."""
        with self._connection.translated("read the tags of a model version"):
            found = self._connection.client.get_model_version(
                model.name, str(model.version)
            )
        return dict(found.tags)

    def download(self, model: ModelRef) -> Path:
        """Return the local folder of a model: its own, or a copy that is kept.

        Raises:
            NotFoundError: The folder is gone.
            ContractError: A copy's bytes are not those that the version names.
            BackendError: It cannot be copied.
        """
        if self._copies is None or model.uri.startswith("file:"):
            return self._connection.local(model.uri)
        return copied(self._copies, model, self._connection.copy)

    def read(self, run_id: str, path: str) -> bytes:
        """Return the bytes of a file of a run.

        Raises:
            NotFoundError: The run or the file is unknown.
            BackendError: The store cannot be reached.
        """
        with self._connection.translated(f"read {path} of run {run_id}"):
            folder = self._connection.client.get_run(run_id).info.artifact_uri
        file = self._connection.local(f"{folder}/{path}")
        return file.read_bytes()

    def read_json(self, run_id: str, path: str) -> Any:
        """Return the value of a JSON file of a run.

        Raises:
            NotFoundError: The run or the file is unknown.
            ContractError: The file is not JSON.
            BackendError: The store cannot be reached.
        """
        try:
            return json.loads(self.read(run_id, path))
        except ValueError as error:
            raise ContractError(f"{path} of run {run_id} is not JSON") from error

    def page(self, run_id: str) -> str:
        """Return the URL of a run's page; empty where no server shows it.

        Raises:
            NotFoundError: The run is unknown.
            BackendError: The store cannot be reached.
        """
        if not self._pages:
            return ""
        with self._connection.translated(f"find run {run_id}"):
            number = self._connection.client.get_run(run_id).info.experiment_id
        return f"{self._pages}/#/experiments/{number}/runs/{run_id}"

    def serve(self, port: int) -> None:
        """Serve MLflow's own pages on loopback until told to stop.

        Raises:
            BackendError: The store cannot be reached.
        """
        from mlops_common.tracking.pages import serve

        with self._connection.translated("make the tables"):
            # By one process at a time, which the server itself does not see to.
            self._connection.prepare()
        serve(port, self._connection.uri, self._artifacts, self._connection.variables)

    def _experiment(self, name: str) -> str:
        from mlflow.exceptions import MlflowException

        found = self._connection.client.get_experiment_by_name(name)
        if found is None:
            place = self._artifacts and f"{self._artifacts.rstrip('/')}/{name}"
            try:
                return str(self._connection.client.create_experiment(name, place))
            except MlflowException:
                # Another process was faster, or the store is broken.
                found = self._connection.client.get_experiment_by_name(name)
                if found is None:
                    raise
        return str(found.experiment_id)

    def _end_killed(self, experiment: str, key: str) -> None:
        open_runs = _filter({f"tags.{RUN_KEY}": key, "attributes.status": "RUNNING"})
        for run in self._connection.client.search_runs([experiment], open_runs):
            self._connection.client.set_terminated(run.info.run_id, "KILLED")

    def _aliased(self, name: str, alias: str) -> Any:
        from mlflow.exceptions import MlflowException

        try:
            return self._connection.client.get_model_version_by_alias(name, alias)
        except MlflowException as error:
            unknown = {"RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"}
            if error.error_code in unknown:
                return None
            raise

    def _no_model(self, name: str, what: str, known: Any) -> NotFoundError:
        with self._connection.translated("list the models"):
            names = sorted(
                m.name for m in self._connection.client.search_registered_models()
            )
        if name in names:
            return NotFoundError(
                f"model {name!r} has no {what}; known: {', '.join(known) or 'none'}"
            )
        return NotFoundError(
            f"no model {name!r} (asked for its {what}); "
            f"known: {', '.join(names) or 'none'}; train one first"
        )


def _bare(url: str) -> str:
    """Return a URL without a login and a slash at its end.

    Examples:
        >>> _bare("https://ann:s3cret@mlflow.example/")
        'https://mlflow.example'
    """
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl().rstrip("/")


def _filter(wanted: Mapping[str, str]) -> str:
    """Return MLflow's filter for equality of all.

    Raises:
        ContractError: A value has a character that its filters cannot hold.
    """
    for key, value in wanted.items():
        if not SEARCHABLE.fullmatch(value):
            raise ContractError(
                f"{key} {value!r} cannot be searched for; "
                "use letters, digits and any of .@:/+_-"
            )
    return " and ".join(f"{key} = '{value}'" for key, value in wanted.items())
