"""Which versions a service has, as its manifest tells.

Each version carries, in the annotations of its pods, what it is and what was promoted
when it was staged. So a promotion changes no pod, a service tells its versions by
itself, and nothing else has to be kept.
"""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import TypeAdapter, ValidationError

from mlops_common.errors import ContractError
from mlops_common.serving.base import ServiceSpec

PREFIX = "mlops/"
SELF, BESIDE, BEFORE = (PREFIX + key for key in ("serves", "beside", "before"))


@dataclass(frozen=True, slots=True)
class Version:
    """One deployed version.

    Attributes:
        slot: Its name on the cluster, of this deploy alone.
        spec: What it runs.
    """

    slot: str
    spec: ServiceSpec

    @classmethod
    def new(cls, spec: ServiceSpec) -> "Version":
        """Return a version under a name of its own."""
        return cls(f"v{spec.model.version}-{secrets.token_hex(3)}", spec)


VERSIONS = TypeAdapter(Version)


@dataclass(frozen=True, slots=True)
class Rollout:
    """The versions of a service.

    Attributes:
        promoted: The one that has the stable URL.
        previous: The one promoted before it.
        earlier: The one before that, as far as it is known.
        staged: The one beside it.
        percent: Share of the requests that the staged one answers.
        pinned: Whether the promoted one is held by a canary of no percent, as the
            staged one was just taken away (Knative).
        stopped: Whether nothing runs.
    """

    promoted: Version | None = None
    previous: Version | None = None
    earlier: Version | None = None
    staged: Version | None = None
    percent: int = 0
    pinned: bool = False
    stopped: bool = False

    @property
    def empty(self) -> bool:
        """Whether there is no version at all."""
        return self.promoted is None and self.staged is None

    def with_staged(self, version: Version) -> "Rollout":
        """Return what holds when a version stands beside the promoted one."""
        return replace(self, staged=version, percent=0, pinned=False, stopped=False)

    def with_percent(self, percent: int) -> "Rollout":
        """Return what holds when the staged version has a share."""
        return replace(self, percent=percent)

    def with_promotion(self) -> "Rollout":
        """Return what holds when the staged version has taken over."""
        return Rollout(self.staged, self.promoted, self.previous)

    def started(self) -> "Rollout":
        """Return what holds when it runs again."""
        return replace(self, stopped=False)

    def ended(self) -> "Rollout":
        """Return what holds when nothing runs and only the promoted one is kept."""
        return replace(self.without_staged(), pinned=False, stopped=True)

    def without_staged(self) -> "Rollout":
        """Return what holds when the staged version is gone."""
        # With all requests at the staged version, KServe would pin that one.
        pinned = self.promoted is not None and self.percent < 100  # noqa: PLR2004
        return replace(self, staged=None, percent=0, pinned=pinned)


@dataclass(frozen=True, slots=True)
class Block:
    """What a predictor's annotations say.

    Attributes:
        version: What it serves.
        beside: What was promoted when it was staged.
        before: What was promoted before that.
    """

    version: Version
    beside: Version | None = None
    before: Version | None = None

    def annotations(self) -> dict[str, str]:
        """Return the annotations of its pods."""
        model = self.version.spec.model
        told = {
            PREFIX + "slot": self.version.slot,
            PREFIX + "model": model.name,
            PREFIX + "model-version": str(model.version),
            PREFIX + "model-digest": model.digest,
            PREFIX + "run": model.run_id,
            PREFIX + "dataset": model.dataset,
        }
        records = ((SELF, self.version), (BESIDE, self.beside), (BEFORE, self.before))
        return told | {
            key: "" if version is None else VERSIONS.dump_json(version).decode()
            for key, version in records
        }

    @classmethod
    def read(cls, predictor: Mapping[str, Any]) -> "Block | None":
        """Return what a predictor's annotations say; nothing if it is not ours.

        Raises:
            ContractError: They were altered.
        """
        annotations = predictor.get("annotations") or {}
        found = [annotations.get(key) or "" for key in (SELF, BESIDE, BEFORE)]
        try:
            own, beside, before = (
                VERSIONS.validate_json(text) if text else None for text in found
            )
        except ValidationError as error:
            raise ContractError(
                f"the annotations {PREFIX}* of an InferenceService were altered: "
                f"{error.errors()[0]['msg']}; deploy the version again"
            ) from error
        return None if own is None else cls(own, beside, before)
