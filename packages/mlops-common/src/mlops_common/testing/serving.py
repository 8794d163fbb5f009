"""The contract of serving: inherit, provide the fixtures, and it runs."""

from pathlib import Path
from typing import Any

import pytest

from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
)
from mlops_common.refs import EndpointRef, ModelRef
from mlops_common.serving.artifact import folder_digest
from mlops_common.serving.base import ServiceSpec, Serving
from mlops_common.testing import predictors
from mlops_common.testing.clients import (
    answered,
    fits,
    silent,
    traffic,
    until,
    version,
)

SERVICE = "scores"
BRIEF = "brief"  # a service that a test deletes
LOADER = "mlops_common.testing.predictors:load"
STAGED, NEXT, ALTERED, FAILING = 20, 30, 40, 50  # versions
CANARY, FIRST, SECOND = 70, 80, 81
MANY = 20  # requests
SAMPLE = 1_000  # requests
BROKEN = "mlops_common.testing.predictors:fail"


def spec(
    folder: Path,
    version: int,
    *,
    name: str = SERVICE,
    predictor: str = LOADER,
    **fields: Any,
) -> ServiceSpec:
    """Return a service of a model in `folder`, which is written when absent.

    Args:
        folder: Where models lie.
        version: Version of the model; also its bias, so that versions differ.
        name: Name of the service.
        predictor: What loads it.
        fields: Fields of the score, see `mlops_common.testing.predictors`.
    """
    path = folder / str(version)
    if not path.exists():
        predictors.save(path, bias=version, **fields)
    model = ModelRef(
        name="score",
        version=version,
        run_id="run",
        uri=path.resolve().as_uri(),
        digest=folder_digest(path),
    )
    return ServiceSpec(name, model, predictor, entity="customer_id")


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


class ServingContract(DeployContract):
    """What every implementation of `Serving` does where models answer.

    Its fixtures are those of `DeployContract`, of class scope.
    """

    def test_a_promoted_version_answers_at_its_url(
        self, serving: Serving, promoted: EndpointRef
    ) -> None:
        """The endpoint that promote returned is the one that is asked for later."""
        endpoint = serving.endpoint(SERVICE)

        assert endpoint.url == promoted.url
        assert version(endpoint) == endpoint.model.version
        assert serving.names() == [SERVICE]
        assert serving.status(SERVICE).running

    @pytest.mark.usefixtures("promoted")
    def test_a_staged_version_has_no_traffic_and_can_be_discarded(
        self, serving: Serving, models: Path
    ) -> None:
        """Staging changes nothing for the clients of the stable URL."""
        before = version(serving.endpoint(SERVICE))
        staged = serving.stage(spec(models, STAGED))
        assert version(staged) == STAGED
        assert serving.status(SERVICE).staged == staged
        assert version(serving.endpoint(SERVICE)) == before

        serving.discard(SERVICE)

        until(lambda: silent(staged))
        with pytest.raises(NotFoundError, match="nothing is staged"):
            serving.promote(SERVICE)
        assert version(serving.endpoint(SERVICE)) == before

    def test_promotion_drops_no_request(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """Clients move to the new version, at the same URL, without a failure."""
        before = version(promoted)
        serving.stage(spec(models, NEXT))

        with traffic(promoted) as seen:
            until(lambda: all(len(found) > MANY for found in seen.versions))
            after = serving.promote(SERVICE)
            assert version(after) == NEXT
            until(lambda: all(found[-1] == NEXT for found in seen.versions))

        assert after.url == promoted.url
        assert seen.failures == []
        for found in seen.versions:
            assert set(found) == {before, NEXT}

    def test_a_canary_answers_its_share_of_the_requests(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """The share is of requests, not of connections, and can be taken back."""
        before = version(promoted)
        serving.stage(spec(models, CANARY))

        for percent in (10, 50):
            assert serving.split(SERVICE, percent).model.version == CANARY
            assert serving.status(SERVICE).percent == percent
            found = answered(promoted, SAMPLE)
            assert set(found) == {before, CANARY}
            assert fits(found.count(CANARY), SAMPLE, percent)

        serving.split(SERVICE, 0)

        assert serving.status(SERVICE).percent == 0
        assert set(answered(promoted, MANY)) == {before}
        serving.discard(SERVICE)

    def test_a_roll_back_drops_no_request(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """Clients move back to the version before, at the same URL."""
        for number in (FIRST, SECOND):
            serving.stage(spec(models, number))
            serving.promote(SERVICE)

        with traffic(promoted) as seen:
            until(lambda: all(len(found) > MANY for found in seen.versions))
            back = serving.roll_back(SERVICE)
            assert back.model.version == version(back) == FIRST
            until(lambda: all(found[-1] == FIRST for found in seen.versions))

        assert back.url == promoted.url
        assert seen.failures == []

    def test_a_deleted_service_answers_no_more(
        self, serving: Serving, models: Path
    ) -> None:
        """Its URL is free."""
        serving.stage(spec(models, FIRST, name=BRIEF))
        endpoint = serving.promote(BRIEF)
        assert version(endpoint) == FIRST

        serving.delete(BRIEF)

        until(lambda: silent(endpoint))

    def test_a_stopped_service_starts_again_at_its_url(
        self, serving: Serving, promoted: EndpointRef
    ) -> None:
        """Stopping ends processes; it forgets nothing."""
        before = version(promoted)

        serving.stop(SERVICE)

        assert not serving.status(SERVICE).running
        until(lambda: silent(promoted))
        again = serving.endpoint(SERVICE)
        assert again.url == promoted.url
        assert version(again) == before

    @pytest.mark.usefixtures("promoted")
    def test_altered_bytes_are_not_served(self, serving: Serving, models: Path) -> None:
        """A model that is not the registered one is refused before it is loaded."""
        altered = spec(models, ALTERED)
        predictors.save(models / str(ALTERED), bias=0)

        with pytest.raises(ContractError, match="altered"):
            serving.stage(altered)

    def test_a_model_that_does_not_load_is_told_with_its_log(
        self, serving: Serving, models: Path, promoted: EndpointRef
    ) -> None:
        """A failed deploy says why, and harms nothing."""
        before = version(promoted)

        with pytest.raises(BackendError, match="the pickle in 50 is broken"):
            serving.stage(spec(models, FAILING, predictor=BROKEN))

        assert version(serving.endpoint(SERVICE)) == before
        with pytest.raises(NotFoundError, match="nothing is staged"):
            serving.promote(SERVICE)
