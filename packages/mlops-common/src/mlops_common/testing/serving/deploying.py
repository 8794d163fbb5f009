"""The contract of deploying, which holds where no model answers too."""

from pathlib import Path

import pytest

from mlops_common.errors import ConfigError, NotFoundError
from mlops_common.refs import EndpointRef
from mlops_common.serving.base import ServiceSpec, Serving
from mlops_common.testing.serving.services import (
    BRIEF,
    CANARY,
    FIRST,
    SECOND,
    SERVICE,
    STAGED,
    spec,
)


class DeployContract:
    """What every implementation of `Serving` does, whether or not models answer.

    A subclass gives the fixtures `serving`; `models`, a folder for models; and
    `promoted`, which deploys version 1 of the service `scores`.
    """

    def wanted(self, models: Path, number: int, name: str = SERVICE) -> ServiceSpec:
        """Return a service of a version; for a backend that needs other models."""
        return spec(models, number, name=name)

    def test_knows_no_service_that_was_never_promoted(self, serving: Serving) -> None:
        """Asking for an unknown service is a fact, not a failure."""
        with pytest.raises(NotFoundError, match="nobody"):
            serving.endpoint("nobody")
        with pytest.raises(NotFoundError, match="nobody"):
            serving.status("nobody")

        assert "nobody" not in serving.names()

    @pytest.mark.usefixtures("promoted")
    def test_only_a_staged_version_gets_a_share_that_exists(
        self, serving: Serving
    ) -> None:
        """A share is a whole percentage of something."""
        with pytest.raises(NotFoundError, match="nothing is staged"):
            serving.split(SERVICE, 10)
        for percent in (-1, 101):
            with pytest.raises(ConfigError, match=str(percent)):
                serving.split(SERVICE, percent)

    def test_a_share_is_told_and_taken_back(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """A version has no share until it gets one, and the promoted one stays."""
        before = serving.endpoint(SERVICE).model
        serving.stage(self.wanted(models, CANARY))
        assert serving.status(SERVICE).percent == 0

        for percent in (10, 60, 0):
            canary = serving.split(SERVICE, percent)
            status = serving.status(SERVICE)
            assert canary.model.version == CANARY
            assert status.percent == percent
            assert status.endpoint is not None
            assert status.endpoint.model == before

        assert serving.endpoint(SERVICE).url == promoted.url
        serving.discard(SERVICE)
        assert serving.status(SERVICE).staged is None

    @pytest.mark.usefixtures("promoted")
    def test_a_promoted_canary_has_everything(
        self, serving: Serving, models: Path
    ) -> None:
        """A promotion ends the split, and a version deployed next starts with none."""
        serving.stage(self.wanted(models, CANARY))
        serving.split(SERVICE, 50)

        assert serving.promote(SERVICE).model.version == CANARY

        assert serving.endpoint(SERVICE).model.version == CANARY
        assert serving.status(SERVICE).percent == 0
        serving.stage(self.wanted(models, STAGED))
        assert serving.status(SERVICE).percent == 0
        serving.discard(SERVICE)

    @pytest.mark.usefixtures("promoted")
    def test_rolling_back_twice_serves_the_first_version_again(
        self, serving: Serving, models: Path
    ) -> None:
        """The version before is one call away, and what is staged is dropped."""
        for number in (FIRST, SECOND):
            serving.stage(self.wanted(models, number))
            serving.promote(SERVICE)
        serving.stage(self.wanted(models, STAGED))

        assert serving.roll_back(SERVICE).model.version == FIRST

        assert serving.endpoint(SERVICE).model.version == FIRST
        with pytest.raises(NotFoundError, match="nothing is staged"):
            serving.promote(SERVICE)
        assert serving.roll_back(SERVICE).model.version == SECOND
        assert serving.endpoint(SERVICE).model.version == SECOND

    def test_a_deleted_service_is_forgotten(
        self, serving: Serving, models: Path
    ) -> None:
        """Its name is free; to delete it again is no error."""
        serving.stage(self.wanted(models, FIRST, BRIEF))
        serving.promote(BRIEF)
        with pytest.raises(NotFoundError, match="before"):
            serving.roll_back(BRIEF)

        serving.delete(BRIEF)
        serving.delete(BRIEF)

        with pytest.raises(NotFoundError, match=BRIEF):
            serving.endpoint(BRIEF)
        assert BRIEF not in serving.names()
