"""From a version of a model back to what it was made from."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_common.errors import ConfigError
from mlops_common.lineage import naming
from uc4_lineage.questions.origins import key_of
from uc4_lineage.reading import Reader
from uc4_lineage.trace import steps
from uc4_lineage.trace.facts import Fact, Step
from uc4_lineage.trace.versions import Made, made_from

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform


@dataclass(frozen=True, slots=True)
class ModelTrace:
    """Where a version of a model comes from.

    Attributes:
        name: Registered name of the model.
        version: Its version.
        facts: What is known of each step, in their order.
        made: The version, and all versions of datasets that it was made from.
    """

    name: str
    version: int
    facts: tuple[Fact, ...]
    made: tuple[Made, ...]

    def fact(self, step: Step) -> Fact | None:
        """Return what is known of a step; nothing where it was not asked for."""
        return next((fact for fact in self.facts if fact.step is step), None)


def named_model(text: str) -> tuple[str, int]:
    """Read the name and version of a model.

    Raises:
        ConfigError: It is not NAME/VERSION.

    Examples:
        >>> named_model("churn-predictor/3")
        ('churn-predictor', 3)
    """
    name, _, version = text.rpartition("/")
    if not name or not version.isdecimal() or not version.isascii():
        raise ConfigError(f"expected a model such as churn-predictor/3, found {text!r}")
    return name, int(version)


def trace_model(
    platform: "Platform",
    reader: Reader,
    name: str,
    version: int,
    service: str = "",
    at: datetime | None = None,
) -> ModelTrace:
    """Return where a version of a model comes from.

    What no run told is asked of the registry; what nobody knows stays empty, with why.

    Args:
        platform: Where the registry is, and the snapshots.
        reader: Reads the store.
        name: Registered name of the model.
        version: Its version.
        service: Name of the service that answered with it; by default as the model.
        at: When it answered: the deployment, decision and promotion before count;
            the last ones when omitted.

    Raises:
        NotFoundError: Neither a run nor the registry knows the version.
        BackendError: The store or the registry cannot be reached.
    """
    uri = platform.settings.mlflow.tracking_uri
    model = naming.model(uri, name)
    key = key_of(reader, model.namespace, model.name)
    made = () if key is None else made_from(reader, key, str(version))
    told = _told(reader, key, version)
    known = told or _registered(platform, name, version)
    facts = (
        steps.service(reader, service or name, version, at),
        steps.version(name, version, known, by_runs=bool(told)),
        *_judged(reader, name, version, at),
        *_trained(platform, reader, made, known),
    )
    return ModelTrace(name, version, facts, made)


def _judged(
    reader: Reader, name: str, version: int, at: datetime | None
) -> tuple[Fact, ...]:
    """Return what was decided and written of the version once it was there."""
    return (
        steps.decision(reader, name, version, at),
        steps.promotion(reader, name, version, at),
        steps.card(reader, name, version),
    )


def _trained(
    platform: "Platform",
    reader: Reader,
    made: tuple[Made, ...],
    known: Mapping[str, Any],
) -> tuple[Fact, ...]:
    """Return from what, and by which code, the version was trained."""
    return (
        steps.training(made),
        *steps.tracking(platform, known),
        steps.code(reader, made, known),
        steps.features(made),
        steps.snapshot(platform, made, known),
    )


def _told(reader: Reader, key: int | None, version: int) -> Mapping[str, Any]:
    """Return what runs told of the version, by name; nothing where none did."""
    if key is None:
        return {}
    rows = reader.rows("model_facts", dataset=key, version=str(version))
    return dict(rows[0][0]) if rows else {}


def _registered(platform: "Platform", name: str, version: int) -> Mapping[str, Any]:
    """Return what the registry knows of the version, by name.

    Raises:
        NotFoundError: It knows no such version; lists those that it knows.
        BackendError: It cannot be reached.
    """
    tracking = platform.tracking
    model = tracking.version(name, version)
    commit = tracking.tags(model).get("git_commit", "")
    return {**model.model_dump(), "git_commit": commit, "experiment": name}
