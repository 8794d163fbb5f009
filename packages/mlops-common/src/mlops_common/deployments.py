"""What the installed use cases deploy to Prefect, read from their `prefect.yaml`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.use_case import points

POOL = "local-pool"
FILE = "prefect.yaml"
ENQUEUE: Literal["ENQUEUE"] = "ENQUEUE"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a deployment runs by itself.

    Attributes:
        cron: Expression of five fields; empty where `interval` says it.
        interval: Seconds between two runs; nothing where `cron` says it.
        timezone: In which the expression is read.
        active: Whether it is on.
        slug: By which Prefect knows it again, if it has one.
    """

    cron: str = ""
    interval: float | None = None
    timezone: str = "UTC"
    active: bool = True
    slug: str | None = None

    def __str__(self) -> str:
        if self.interval is not None:
            return f"every {self.interval:g} s"
        return f"{self.cron} {self.timezone}"


@dataclass(frozen=True, slots=True)
class Trigger:
    """Events that start a deployment.

    Attributes:
        declared: As the file has it, for Prefect.

    Examples:
        >>> str(Trigger({"expect": ["uc3.drift.detected"]}))
        'on uc3.drift.detected'
    """

    declared: Mapping[str, Any]

    @property
    def active(self) -> bool:
        """Whether it is on."""
        return bool(self.declared.get("enabled", True))

    @property
    def events(self) -> tuple[str, ...]:
        """Names of the events, those of the triggers that it is made of included."""
        parts = map(Trigger, self.declared.get("triggers", ()))
        below = (name for part in parts for name in part.events)
        return (*self.declared.get("expect", ()), *below)

    def __str__(self) -> str:
        return f"on {', '.join(self.events) or 'any event'}"


@dataclass(frozen=True, slots=True)
class Deployment:
    """One deployment of an installed use case.

    Attributes:
        use_case: Short name, such as `uc1`.
        file: The `prefect.yaml` that declares it.
        name: Such as `churn-prediction-daily`.
        entrypoint: Dotted path of the flow's function.
        tags: Of every run.
        schedules: When it runs by itself.
        triggers: Which events start it.
        parameters: Of every run, unless it is given others.
        pool: Work pool whose workers run it.
        limit: How many of its runs may be on at once; nothing for any number.
        collision: What becomes of one more: `ENQUEUE` or `CANCEL_NEW`.
        description: What it does, for people.
    """

    use_case: str
    file: Path
    name: str
    entrypoint: str
    tags: tuple[str, ...] = ()
    schedules: tuple[Schedule, ...] = ()
    triggers: tuple[Trigger, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    pool: str = POOL
    limit: int | None = None
    collision: str = ENQUEUE
    description: str = ""


def installed() -> tuple[Deployment, ...]:
    """Return the deployments of every installed use case, in their order.

    A use case without a `prefect.yaml` deploys nothing.

    Raises:
        ConfigError: A file cannot be read as one; says where and why.

    Examples:
        >>> [one.name for one in installed() if one.use_case == "uc1"]
        ['churn-prediction-daily']
    """
    return tuple(
        deployment
        for point in points()
        for deployment in read(point.name, declared(point.value))
    )


def find(use_case: str, name: str = "") -> Deployment:
    """Return a deployment of a use case.

    Args:
        use_case: Short name, such as `uc1`.
        name: Of the deployment; the first one of its `prefect.yaml` when omitted.

    Raises:
        NotFoundError: It deploys nothing, or nothing of this name; lists what it does.
        ConfigError: A `prefect.yaml` cannot be read.
    """
    own = {one.name: one for one in installed() if one.use_case == use_case}
    if not own:
        raise NotFoundError(
            f"{use_case} has no {FILE} in its package: nothing to deploy"
        )
    if name and name not in own:
        raise NotFoundError(
            f"{use_case} has no deployment {name!r}; there are: {', '.join(own)}"
        )
    return own[name or next(iter(own))]


def declared(entry_point: str) -> Path:
    """Return where the package of an entry point has its `prefect.yaml`."""
    package = entry_point.partition(":")[0].partition(".")[0]
    return Path(str(files(package))) / FILE


def read(use_case: str, file: Path) -> tuple[Deployment, ...]:
    """Return the deployments of one file; none where it does not exist.

    Raises:
        ConfigError: It is not YAML, or a deployment lacks what makes it one.
    """
    if not file.exists():
        return ()
    try:
        content = _File.model_validate(yaml.safe_load(file.read_text("utf-8")))
    except (yaml.YAMLError, ValidationError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file} declares no deployments: {error}") from error
    return tuple(
        Deployment(
            use_case=use_case,
            file=file,
            name=entry.name,
            entrypoint=entry.entrypoint.replace(":", "."),
            tags=entry.tags,
            schedules=tuple(Schedule(**one.model_dump()) for one in entry.schedules),
            triggers=tuple(map(Trigger, entry.triggers)),
            parameters=entry.parameters,
            pool=entry.work_pool.name,
            limit=entry.limit.limit if entry.limit else None,
            collision=entry.limit.collision_strategy if entry.limit else ENQUEUE,
            description=entry.description,
        )
        for entry in content.deployments
    )


class _Section(BaseModel):
    """A part of Prefect's file, of which only some keys matter here."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class _Schedule(_Section):
    cron: str = ""
    interval: Annotated[float | None, Field(gt=0)] = None
    timezone: str = "UTC"
    active: bool = True
    slug: str | None = None


class _Pool(_Section):
    name: str = POOL


class _Limit(_Section):
    limit: int
    collision_strategy: Literal["ENQUEUE", "CANCEL_NEW"] = ENQUEUE


class _Deployment(_Section):
    name: str
    entrypoint: str
    description: str = ""
    tags: tuple[str, ...] = ()
    schedules: tuple[_Schedule, ...] = ()
    triggers: tuple[dict[str, Any], ...] = ()
    parameters: dict[str, Any] = {}
    work_pool: _Pool = _Pool()
    limit: _Limit | None = Field(None, alias="concurrency_limit")

    @field_validator("limit", mode="before")
    @classmethod
    def _written_short(cls, value: Any) -> Any:
        return {"limit": value} if isinstance(value, int) else value


class _File(_Section):
    deployments: tuple[_Deployment, ...] = ()
