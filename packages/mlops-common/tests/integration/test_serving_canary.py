"""Two versions behind one URL: who is answered by which, whatever is killed."""

import json
import os
import signal
from collections import Counter
from pathlib import Path

import psutil
import pytest

from mlops_common.errors import BackendError
from mlops_common.postgres.database import Postgres
from mlops_common.processes import Identity, wait_until
from mlops_common.refs import EndpointRef
from mlops_common.serving.local.assignment import position
from mlops_common.serving.local.serving import LocalServing
from mlops_common.serving.local.state import ServiceFolder
from mlops_common.testing import predictors
from mlops_common.testing.clients import (
    answered,
    ask,
    fits,
    tensors,
    traffic,
    until,
    version,
)
from mlops_common.testing.serving import SERVICE, spec
from mlops_common.testing.serving.split import (
    MANY,
    about,
    kill,
    posted,
    report,
    some,
    status,
)

STABLE, CANARY = 1, 2


@pytest.fixture
def stable(serving: LocalServing, models: Path) -> EndpointRef:
    """Version 1 at the stable URL, and version 2 staged; shared where that is so."""
    # Not who answers: half of the requests may still be for the other version.
    if not serving.names() or serving.endpoint(SERVICE).model.version != STABLE:
        serving.stage(spec(models, STABLE))
        serving.promote(SERVICE)
    if serving.status(SERVICE).staged is None:
        serving.stage(spec(models, CANARY))
    serving.split(SERVICE, 0)
    return serving.endpoint(SERVICE)


@pytest.fixture
def halved(serving: LocalServing, stable: EndpointRef) -> EndpointRef:
    """The same, with half of the requests for version 2."""
    serving.split(SERVICE, 50)
    return stable


class TestSplit:
    def test_only_predictions_are_split(self, halved: EndpointRef) -> None:
        model = f"{halved.url}/v2/models/{SERVICE}"

        for path in ("/v2/health/ready", "/v2/health/live", "/v2"):
            assert ask(halved.url + path)[0] == 200
        assert {ask(model)[1]["versions"][0] for _ in range(MANY)} == {str(STABLE)}
        for number in (STABLE, CANARY):
            url = f"{model}/versions/{number}/infer"
            found = [ask(url, tensors()) for _ in range(5)]
            assert {answer["model_version"] for _, answer in found} == {str(number)}
        assert ask(f"{model}/versions/9/infer", tensors())[0] == 404
        assert ask(f"{model}/infer", {})[0] == 400

    def test_an_answer_names_its_version(self, halved: EndpointRef) -> None:
        for _ in range(MANY):
            answer, headers = posted(halved, json.dumps(tensors()).encode())
            assert headers.get_all("X-Model-Version") == [answer["model_version"]]
            assert len(headers.get_all("Date", [])) == 1

    def test_an_entity_keeps_its_version(
        self, serving: LocalServing, halved: EndpointRef
    ) -> None:
        customers = [f"customer-{number}" for number in range(100)]

        def assigned(customer: str) -> int:
            return int(ask(halved.infer_url, about(customer))[1]["model_version"])

        first = {customer: assigned(customer) for customer in customers}
        for customer in customers[:10]:
            header = {"X-Entity-Id": customer}
            assert set(answered(halved, 3, header)) == {first[customer]}
        serving.split(SERVICE, 80)
        second = {customer: assigned(customer) for customer in customers}

        places = {each: position(SERVICE, CANARY, each) for each in customers}
        assert first == {c: CANARY if places[c] < 0.5 else STABLE for c in customers}
        assert second == {c: CANARY if places[c] < 0.8 else STABLE for c in customers}

    def test_a_long_body_passes_whole(self, halved: EndpointRef) -> None:
        rows = 200_000
        columns = {"age": [41.25] * rows, "plan": ["pro"] * rows}
        kinds = {"age": "FP64", "plan": "BYTES"}
        inputs = [
            {"name": name, "shape": [rows], "datatype": kinds[name], "data": data}
            for name, data in columns.items()
        ]
        body = json.dumps({"inputs": inputs}).encode()
        assert len(body) > 1 << 21

        found, _ = posted(halved, body)
        pieces = (body[start : start + 99_999] for start in range(0, len(body), 99_999))
        chunked, _ = posted(halved, pieces)  # type: ignore[arg-type]

        assert found["outputs"][0]["shape"] == chunked["outputs"][0]["shape"] == [rows]

    def test_predictions_are_logged_with_the_version_that_answered(
        self, serving: LocalServing, stable: EndpointRef, postgres: Postgres
    ) -> None:
        serving.split(SERVICE, 30)
        told = Counter(
            int(ask(stable.infer_url, tensors(id="split"))[1]["model_version"])
            for _ in range(400)
        )
        query = (
            "SELECT model_version, count(*) FROM serving.predictions "
            "WHERE service = %s AND request_id = 'split' GROUP BY 1"
        )

        def logged() -> dict[int, int]:
            with postgres.connect("mlops") as connection:
                return dict(connection.execute(query, (SERVICE,)).fetchall())

        until(lambda: sum(logged().values()) == 400)
        assert logged() == told
        assert fits(told[CANARY], 400, 30)

    @pytest.mark.parametrize("which", ["canary", "stable"])
    def test_a_version_that_is_killed_is_replaced_by_the_other_one(
        self, serving: LocalServing, halved: EndpointRef, which: str
    ) -> None:
        before = serving.status(SERVICE)
        with traffic(halved) as seen:
            some(seen)
            kill(serving, which)
            until(lambda: report(serving, "router").route.canary is not None)
            until(lambda: report(serving, "router").route.stable is not None)
            some(seen)

        assert seen.failures == []
        found = serving.status(SERVICE)
        again = [
            found.canary_restarts - before.canary_restarts,
            found.restarts - before.restarts,
        ]
        assert again == ([1, 0] if which == "canary" else [0, 1])
        assert found.percent == 50
        assert found.running
        assert set(answered(halved, MANY)) == {STABLE, CANARY}

    def test_a_killed_router_is_replaced_while_connections_wait(
        self, serving: LocalServing, halved: EndpointRef
    ) -> None:
        with traffic(halved) as seen:
            some(seen)
            kill(serving, "router")
            until(lambda: serving.status(SERVICE).percent == 50)
            some(seen)

        # One request of each client may have been under way.
        assert len(seen.failures) <= len(seen.versions)
        until(lambda: set(answered(halved, MANY)) == {STABLE, CANARY})

    def test_a_router_that_cannot_run_changes_nothing(
        self, serving: LocalServing, stable: EndpointRef
    ) -> None:
        log = ServiceFolder(serving.root / SERVICE).router_log
        log.unlink(missing_ok=True)
        log.mkdir()

        with traffic(stable) as seen:
            some(seen)
            with pytest.raises(BackendError, match=r"router of .* was given up"):
                serving.split(SERVICE, 50)
            some(seen)

        log.rmdir()
        assert seen.failures == []
        assert serving.status(SERVICE).percent == 0
        assert set(answered(stable, MANY)) == {STABLE}
        serving.split(SERVICE, 50)
        assert set(answered(stable, MANY)) == {STABLE, CANARY}

    def test_no_request_is_dropped_when_a_canary_is_discarded(
        self, serving: LocalServing, halved: EndpointRef
    ) -> None:
        with traffic(halved) as seen:
            some(seen)
            serving.discard(SERVICE)
            assert set(answered(halved, MANY)) == {STABLE}
            some(seen)

        assert seen.failures == []
        assert serving.status(SERVICE).staged is None

    def test_a_split_survives_its_supervisor(
        self, serving: LocalServing, halved: EndpointRef
    ) -> None:
        folder = ServiceFolder(serving.root / SERVICE)
        supervisor = folder.supervisor.identity()
        router = report(serving, "router").pid
        assert supervisor is not None
        assert router is not None
        orphan = Identity.of(router)
        os.kill(supervisor.pid, signal.SIGKILL)
        assert wait_until(lambda: not orphan.alive(), 60)

        assert serving.endpoint(SERVICE).url == halved.url
        until(lambda: serving.status(SERVICE).percent == 50)
        assert set(answered(halved, MANY)) == {STABLE, CANARY}

    def test_no_request_is_dropped_from_the_first_share_to_the_promotion(
        self, serving: LocalServing, stable: EndpointRef
    ) -> None:
        with traffic(stable) as seen:
            some(seen)
            for percent in (10, 90, 0, 50):
                serving.split(SERVICE, percent)
                some(seen)
            serving.promote(SERVICE)
            assert set(answered(stable, MANY)) == {CANARY}
            until(lambda: all(found[-1] == CANARY for found in seen.versions))
            some(seen)

        assert seen.failures == []
        assert all(set(found) == {STABLE, CANARY} for found in seen.versions)
        assert status(serving).router is None
        assert serving.status(SERVICE).percent == 0

    def test_a_roll_back_during_a_split_drops_no_request(
        self, serving: LocalServing, models: Path, stable: EndpointRef
    ) -> None:
        serving.promote(SERVICE)
        serving.stage(spec(models, 3))
        serving.split(SERVICE, 50)

        with traffic(stable) as seen:
            some(seen)
            assert serving.roll_back(SERVICE).model.version == STABLE
            assert set(answered(stable, MANY)) == {STABLE}
            some(seen)

        assert seen.failures == []
        assert serving.status(SERVICE).staged is None

    def test_a_version_that_keeps_crashing_can_be_rolled_back(
        self, serving: LocalServing, models: Path, stable: EndpointRef
    ) -> None:
        serving.promote(SERVICE)
        (models / str(CANARY) / predictors.FILE).write_text("{}", "utf-8")
        pid = report(serving, "stable").pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: report(serving, "stable").state == "failed")

        assert version(serving.roll_back(SERVICE)) == STABLE

        assert set(answered(stable, MANY)) == {STABLE}
        predictors.save(models / str(CANARY), bias=CANARY)

    def test_a_stop_ends_the_split(
        self, serving: LocalServing, halved: EndpointRef
    ) -> None:
        serving.stop(SERVICE)

        assert serving.status(SERVICE).percent == 0
        assert version(serving.endpoint(SERVICE)) == STABLE
        assert set(answered(halved, MANY)) == {STABLE}
        assert status(serving).router is None

    def test_a_deleted_service_leaves_no_file_and_no_process(
        self, serving: LocalServing, halved: EndpointRef
    ) -> None:
        folder = ServiceFolder(serving.root / SERVICE)
        supervisor = folder.supervisor.identity()
        assert supervisor is not None
        processes = [supervisor] + [
            Identity.of(child.pid)
            for child in psutil.Process(supervisor.pid).children(recursive=True)
        ]
        assert len(processes) == 4

        serving.delete(SERVICE)

        assert not folder.path.exists()
        assert wait_until(lambda: not any(each.alive() for each in processes), 60)
        with pytest.raises(OSError, match="refused"):
            ask(halved.infer_url, tensors())
