"""What is known of each step of the way back from a version of a model."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mlops_common import web
from mlops_common.errors import MlopsError
from uc4_lineage.reading import Reader
from uc4_lineage.trace.facts import Fact, Step
from uc4_lineage.trace.versions import Made
from uc4_lineage.wording import to_second

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

UNTOLD = "no run told"
SNAPSHOTS = "dvc://"  # how namespaces of versioned datasets begin


def service(reader: Reader, service: str, version: int, at: datetime | None) -> Fact:
    """Return the service that answered, where, and the run that deployed it."""
    rows = reader.rows("endpoint", service=service, version=str(version), at=at)
    if not rows:
        return Fact(Step.SERVICE, service, note=f"{UNTOLD} of deploying it")
    _, run, deployed, uri = rows[0]
    return Fact(
        Step.SERVICE, service, uri, f"deployed by run {run}, {to_second(deployed)}"
    )


def version(
    name: str, version: int, known: Mapping[str, Any], *, by_runs: bool
) -> Fact:
    """Return the version, and where its files are."""
    note = "" if by_runs else f"{UNTOLD} of it; the registry knows it"
    return Fact(Step.MODEL, f"{name}/{version}", _text(known, "uri"), note)


def decision(reader: Reader, name: str, version: int, at: datetime | None) -> Fact:
    """Return what a gate had decided of the version at a time, or else later."""
    noted = _noted(reader, "mlops_decision", name, version, at)
    if noted is None:
        return Fact(Step.DECISION, "", note=f"{UNTOLD} of judging it")
    facet, at, run = noted
    verdict = "passed" if facet.get("passed") is True else "refused"
    return Fact(Step.DECISION, verdict, note=f"judged by run {run}, {to_second(at)}")


def promotion(reader: Reader, name: str, version: int, at: datetime | None) -> Fact:
    """Return the commit that had promoted the version at a time, or else did later."""
    noted = _noted(reader, "mlops_promotion", name, version, at)
    if noted is None:
        return Fact(Step.PROMOTION, "", note=f"{UNTOLD} of promoting it by a commit")
    facet, at, run = noted
    commit, link = _text(facet, "commit"), _text(facet, "url")
    return Fact(Step.PROMOTION, commit, link, f"by run {run}, {to_second(at)}")


def _noted(
    reader: Reader, facet: str, name: str, version: int, at: datetime | None
) -> tuple[Any, ...] | None:
    values = {"name": facet, "model": name, "version": str(version), "at": at}
    rows = reader.rows("decisions", **values)
    return rows[0] if rows else None


def card(reader: Reader, name: str, version: int) -> Fact:
    """Return the model card of the version."""
    rows = reader.rows("model_card", model=name, version=str(version))
    if not rows:
        return Fact(Step.CARD, "", note=f"{UNTOLD} of writing one")
    key, at, uri = rows[0]
    (node,) = reader.nodes([key])
    return Fact(Step.CARD, node.name, uri, to_second(at))


def training(made: tuple[Made, ...]) -> Fact:
    """Return the run that made the version."""
    if not made or made[0].run is None or made[0].at is None:
        return Fact(Step.TRAINING, "", note=f"{UNTOLD} of training it")
    job = "" if made[0].job is None else made[0].job.name
    return Fact(Step.TRAINING, str(made[0].run), note=f"{job}, {to_second(made[0].at)}")


def tracking(platform: "Platform", known: Mapping[str, Any]) -> tuple[Fact, Fact]:
    """Return the run in MLflow and its experiment, with their pages."""
    run, experiment = _text(known, "run_id"), _text(known, "experiment")
    page = _text(known, "page") or _page(platform, run)
    hidden = "" if _shown(platform, page) else "`mlops up` shows its page"
    return (
        Fact(Step.TRACKING, run, page, hidden if run else f"{UNTOLD} of it"),
        Fact(Step.EXPERIMENT, experiment, page.partition("/runs/")[0]),
    )


def _page(platform: "Platform", run: str) -> str:
    if not run:
        return ""
    try:
        return platform.tracking.page(run)
    except MlopsError:
        return ""  # a trace goes on without MLflow


def _shown(platform: "Platform", page: str) -> bool:
    """Whether a page can be opened, as far as this home serves it."""
    external = platform.settings.mlflow.external
    return bool(page) and (external or web.answers(page.partition("#")[0]))


def code(reader: Reader, made: tuple[Made, ...], known: Mapping[str, Any]) -> Fact:
    """Return the commit of the code, with the place of the job that ran it."""
    commit = _text(known, "git_commit")
    place = _place(reader, made[0]) if made else {}
    commit, link = commit or _text(place, "version"), _text(place, "url")
    return Fact(Step.CODE, commit, link, "" if commit else f"{UNTOLD} of its code")


def _place(reader: Reader, made: Made) -> Mapping[str, Any]:
    """Return where the code was of the run that made a version."""
    rows = [] if made.run is None else reader.rows("run_code", run=made.run)
    return dict(rows[0][0]) if rows else {}


def features(made: tuple[Made, ...]) -> Fact:
    """Return what the training read: its nearest input that is no snapshot."""
    for one in made:
        if one.distance == 1 and not one.dataset.namespace.startswith(SNAPSHOTS):
            return Fact(Step.FEATURES, one.dataset.name, one.uri, one.version)
    return Fact(Step.FEATURES, "", note=f"{UNTOLD} of reading it")


def snapshot(
    platform: "Platform", made: tuple[Made, ...], known: Mapping[str, Any]
) -> Fact:
    """Return the revision in DVC that it was trained on."""
    revisions = [
        one.version
        for one in made
        if one.version and one.dataset.namespace.startswith(SNAPSHOTS)
    ]
    revision = _text(known, "dataset") or next(iter(revisions), "")
    if not revision:
        return Fact(Step.SNAPSHOT, "", note=f"{UNTOLD} of it")
    repository = platform.settings.home / "datasets"
    if not repository.is_dir():
        return Fact(Step.SNAPSHOT, revision, note=f"it is not in {repository}")
    link = f"{repository.absolute().as_uri()}#{revision}"
    look = f"`git -C {repository} show {revision}`"
    return Fact(Step.SNAPSHOT, revision, link, look)


def _text(values: Mapping[str, Any], name: str) -> str:
    value = values.get(name)
    return value if isinstance(value, str) else ""
