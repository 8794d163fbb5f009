"""What holds of deploys in whatever style KServe is installed."""

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar

import pytest

from mlops_common.errors import BackendError, MlopsError, NotFoundError, RefusedError
from mlops_common.processes import wait_until
from mlops_common.serving.kserve import KserveServing
from mlops_common.testing.kserve.controller import KserveDouble
from mlops_common.testing.kserve.services import NAME, PATIENCE, connected, path, stored
from mlops_common.testing.kubernetes import ControlPlane


class Deploys:
    """What holds in every style; inherit, name the style, provide `namespace`.

    Attributes:
        style: A key of `STYLES`.
    """

    style: ClassVar[str]

    @pytest.fixture
    def double(
        self, kubernetes_api: ControlPlane, namespace: str
    ) -> Iterator[KserveDouble]:
        """A controller that plays KServe; the service is deleted at the end."""
        with KserveDouble(kubernetes_api, namespace).running() as double:
            yield double
            connected(kubernetes_api, namespace).delete(NAME)
            services = path(namespace, "")
            assert wait_until(
                lambda: not kubernetes_api.request("GET", services)["items"], PATIENCE
            )

    @pytest.fixture
    def kserve(
        self, kubernetes_api: ControlPlane, namespace: str, double: KserveDouble
    ) -> KserveServing:
        """A connection to the namespace, where nothing is deployed."""
        assert not double.paused
        return connected(kubernetes_api, namespace)

    @pytest.fixture
    def promoted(self, kserve: KserveServing) -> KserveServing:
        """The same, with version 1 promoted."""
        kserve.stage(stored(1))
        kserve.promote(NAME)
        return kserve

    def test_the_first_version_is_staged_and_promoted(
        self, kserve: KserveServing
    ) -> None:
        """Nothing serves before the promotion."""
        staged = kserve.stage(stored(1))
        assert staged.model == stored(1).model
        assert kserve.status(NAME).endpoint is None
        assert kserve.status(NAME).staged == staged
        with pytest.raises(NotFoundError, match="no promoted version"):
            kserve.endpoint(NAME)

        promoted = kserve.promote(NAME)

        assert promoted.model == stored(1).model
        assert kserve.endpoint(NAME) == promoted
        assert kserve.status(NAME).running
        assert kserve.names() == [NAME]
        with pytest.raises(NotFoundError, match="before this one"):
            kserve.roll_back(NAME)

    def test_a_staged_version_stands_beside_and_can_be_discarded(
        self, promoted: KserveServing
    ) -> None:
        """It has a URL of its own."""
        before = promoted.endpoint(NAME)

        staged = promoted.stage(stored(2))
        assert staged.url != before.url
        status = promoted.status(NAME)
        assert (status.endpoint, status.staged) == (before, staged)
        promoted.discard(NAME)

        assert promoted.status(NAME).staged is None
        assert promoted.endpoint(NAME) == before
        with pytest.raises(NotFoundError, match="nothing is staged"):
            promoted.promote(NAME)

    def test_versions_follow_each_other_and_can_be_rolled_back(
        self, promoted: KserveServing
    ) -> None:
        """The stable URL never changes."""
        url = promoted.endpoint(NAME).url
        promoted.stage(stored(2))
        promoted.discard(NAME)
        promoted.stage(stored(3))
        assert promoted.promote(NAME).model == stored(3).model
        promoted.stage(stored(4))

        assert promoted.roll_back(NAME).model.version == 1
        assert promoted.status(NAME).staged is None
        assert promoted.roll_back(NAME).model == stored(3).model
        assert promoted.endpoint(NAME).url == url

    def test_a_model_that_does_not_load_is_told_and_harms_nothing(
        self, promoted: KserveServing
    ) -> None:
        """What its server said is told."""
        with pytest.raises(BackendError, match="the pickle is broken"):
            promoted.stage(stored(2, bucket="broken"))

        assert promoted.endpoint(NAME).model.version == 1
        with pytest.raises(NotFoundError, match="nothing is staged"):
            promoted.promote(NAME)
        promoted.stage(stored(3))
        assert promoted.promote(NAME).model == stored(3).model

    def test_the_readiness_of_the_past_is_not_trusted(
        self,
        kubernetes_api: ControlPlane,
        promoted: KserveServing,
        namespace: str,
        double: KserveDouble,
    ) -> None:
        """It may be that of the version before."""
        assert promoted.status(NAME).running
        hurried = connected(kubernetes_api, namespace, timeout=1)
        double.paused = True

        with pytest.raises(BackendError, match=r"version 2 .* did not become ready"):
            hurried.stage(stored(2))

        double.paused = False
        assert promoted.endpoint(NAME).model.version == 1

    def test_a_stopped_service_starts_again(self, promoted: KserveServing) -> None:
        """At the first who asks for its endpoint."""
        before = promoted.endpoint(NAME)

        promoted.stop(NAME)

        status = promoted.status(NAME)
        assert (status.running, status.problem) == (False, "it is stopped")
        assert promoted.endpoint(NAME) == before
        assert promoted.status(NAME).running

    def test_a_deleted_service_is_gone(self, promoted: KserveServing) -> None:
        """To delete what is gone is no error."""
        promoted.stage(stored(2))

        promoted.delete(NAME)
        promoted.delete(NAME)

        assert promoted.names() == []
        with pytest.raises(NotFoundError, match=NAME):
            promoted.status(NAME)

    def test_of_two_deploys_one_is_refused_and_the_other_wins(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        """Whoever stages first."""
        deploys = [
            connected(kubernetes_api, namespace, holder=f"host/{number}/0")
            for number in (1, 2)
        ]

        def deploy(number: int) -> str:
            try:
                deploys[number].stage(stored(2 + number))
            except RefusedError as error:
                return str(error)
            return "won"

        with ThreadPoolExecutor() as pool:
            told = sorted(pool.map(deploy, range(2)))

        assert told[1] == "won"
        assert "another deploy" in told[0] or "is deploying service" in told[0]
        staged = promoted.status(NAME).staged
        assert staged is not None
        winner = deploys[staged.model.version - 2]
        assert winner.promote(NAME).model == staged.model

    def test_the_turn_of_a_dead_process_is_nobodys(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        """A process of this machine, that is."""
        dead = f"{socket.gethostname()}/1/0.0"
        connected(kubernetes_api, namespace, holder=dead).stage(stored(2))

        promoted.stage(stored(3))

        assert promoted.promote(NAME).model == stored(3).model

    def test_what_another_deploy_replaced_is_not_promoted(
        self, kubernetes_api: ControlPlane, namespace: str, promoted: KserveServing
    ) -> None:
        """And not discarded either."""
        promoted.stage(stored(2))
        other = connected(kubernetes_api, namespace)  # of this process: it may
        other.stage(stored(3))

        with pytest.raises(RefusedError, match="replaced by another deploy"):
            promoted.promote(NAME)
        promoted.discard(NAME)

        assert other.promote(NAME).model == stored(3).model

    def test_an_api_server_that_is_away_for_a_while_is_waited_for(
        self,
        kubernetes_api: ControlPlane,
        promoted: KserveServing,
        double: KserveDouble,
    ) -> None:
        """In the middle of a deploy."""
        double.paused = True
        with ThreadPoolExecutor() as pool:
            staging = pool.submit(promoted.stage, stored(2))
            assert wait_until(lambda: _has_staged(promoted), PATIENCE)

            kubernetes_api.stop_api()
            kubernetes_api.start_api()
            double.paused = False

            assert staging.result(2 * PATIENCE).model == stored(2).model
        assert promoted.promote(NAME).model == stored(2).model


def _has_staged(kserve: KserveServing) -> bool:
    try:
        rollout = kserve.cluster.service(NAME).state().rollout
    except MlopsError:
        return False
    return rollout.staged is not None
