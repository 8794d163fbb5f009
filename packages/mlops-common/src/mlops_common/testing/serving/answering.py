"""The contract of serving where models answer: of requests, none of which is lost."""

from pathlib import Path

import pytest

from mlops_common.errors import BackendError, ContractError, NotFoundError
from mlops_common.refs import EndpointRef
from mlops_common.serving.base import Serving
from mlops_common.testing import predictors
from mlops_common.testing.clients import (
    answered,
    fits,
    silent,
    traffic,
    until,
    version,
)
from mlops_common.testing.serving.deploying import DeployContract
from mlops_common.testing.serving.services import (
    ALTERED,
    BRIEF,
    BROKEN,
    CANARY,
    FAILING,
    FIRST,
    NEXT,
    SECOND,
    SERVICE,
    STAGED,
    spec,
)

MANY = 20  # requests
SAMPLE = 1_000  # requests


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
