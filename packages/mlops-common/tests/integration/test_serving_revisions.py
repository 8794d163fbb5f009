"""What a service decides of its revisions before any model server starts."""

import socket
from pathlib import Path

import pytest

from mlops_common.errors import BackendError, ConfigError, NotFoundError, RefusedError
from mlops_common.processes import Process
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.testing.serving import SERVICE, spec


def service(serving: LocalServing) -> ServiceFolder:
    return ServiceFolder(serving.root / SERVICE)


class TestWithoutServers:
    """What is decided before any model server starts."""

    def test_a_deploy_of_a_living_process_is_left_alone(
        self, serving: LocalServing, models: Path, tmp_path: Path
    ) -> None:
        other = Process(tmp_path, "deployer")
        other.start(["sleep", "60"])
        number = service(serving).add(spec(models, 7))
        service(serving).desire(staged=number, owner=other.identity())

        with pytest.raises(RefusedError, match="is deploying version 7") as caught:
            serving.stage(spec(models, 8))

        other.stop()
        service(serving).desire(staged=None)
        assert caught.value.evidence["version"] == 7

    def test_only_what_was_staged_here_is_promoted(
        self, serving: LocalServing, models: Path
    ) -> None:
        ours = service(serving).add(spec(models, 7))
        theirs = service(serving).add(spec(models, 8))
        serving._staged[SERVICE] = ours
        service(serving).desire(staged=theirs)

        with pytest.raises(RefusedError, match="replaced by another deploy"):
            serving.promote(SERVICE)
        serving.discard(SERVICE)

        assert service(serving).desired().staged == theirs
        service(serving).desire(staged=None)

    @pytest.mark.parametrize("name", ["", "../up", "Churn", "a b", "a" * 64, "-a"])
    def test_a_name_must_be_fit_for_a_cluster(
        self, serving: LocalServing, name: str
    ) -> None:
        with pytest.raises(ConfigError, match="name"):
            serving.endpoint(name)

    def test_discarding_nothing_is_no_error(self, serving: LocalServing) -> None:
        serving.discard("nobody")

        with pytest.raises(NotFoundError, match="nobody"):
            serving.stop("nobody")

    def test_services_take_ports_from_the_first_one_on(self, tmp_path: Path) -> None:
        serving = LocalServing(tmp_path, port=8500)
        folders = [ServiceFolder(tmp_path / name) for name in ("a", "b", "a")]
        for folder in folders:
            serving._claim_port(folder)

        assert [folder.desired().port for folder in folders] == [8500, 8501, 8500]

    def test_a_taken_port_is_told_by_its_number(
        self, serving: LocalServing, models: Path
    ) -> None:
        number = service(serving).add(spec(models, 9))
        with socket.create_server(("127.0.0.1", 0)) as program:
            port = program.getsockname()[1]
            service(serving).desire(serving=number, port=port)

            with pytest.raises(BackendError, match=f"port {port} cannot be used"):
                serving.endpoint(SERVICE)
            assert f"port {port}" in serving.status(SERVICE).problem

        serving.stop(SERVICE)
        service(serving).desire(serving=None)

    def test_old_revisions_are_forgotten_but_not_what_serves(
        self, tmp_path: Path, models: Path
    ) -> None:
        folder = ServiceFolder(tmp_path / "a")
        first = folder.add(spec(models, 1))
        folder.desire(serving=first)
        for _ in range(8):
            last = folder.add(spec(models, 2))

        kept = {int(path.name) for path in (tmp_path / "a/revisions").iterdir()}
        assert kept == {first, *range(last - 5, last + 1)}
        assert folder.spec(last) == spec(models, 2)


def test_only_what_was_staged_here_gets_a_share(models: Path, tmp_path: Path) -> None:
    here = LocalServing(tmp_path)
    folder = ServiceFolder(tmp_path / SERVICE)
    ours, theirs = folder.add(spec(models, 7)), folder.add(spec(models, 8))
    here._staged[SERVICE] = ours
    folder.desire(serving=ours, staged=theirs)

    with pytest.raises(RefusedError, match="replaced by another deploy"):
        here.split(SERVICE, 10)

    assert folder.desired().percent == 0


def test_the_version_to_roll_back_to_is_not_forgotten(
    tmp_path: Path, models: Path
) -> None:
    folder = ServiceFolder(tmp_path / "a")
    first = folder.add(spec(models, 1))
    folder.desire(previous=first)
    for _ in range(8):
        folder.add(spec(models, 2))

    assert folder.spec(first) == spec(models, 1)
