"""The server as a user starts it."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mlops_common import web
from mlops_common.testing.command import COMMAND, home_of_commands, mlops_here
from uc4_lineage.testing.events import run_event

JSON = {"Content-Type": "application/json"}
KEY = "s3cret"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with home_of_commands() as folder:
        yield folder


@contextmanager
def serving(home: Path, *options: str) -> Iterator[str]:
    """Run `mlops lineage serve`; yield its URL, then end it as Ctrl-C does."""
    with subprocess.Popen(
        [sys.executable, *COMMAND, "lineage", "serve", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=home,
        env=os.environ,
    ) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().partition(" ")[0]
        finally:
            process.send_signal(signal.SIGINT)
            _, said = process.communicate(timeout=60)
        assert process.returncode == 0
        assert "Traceback" not in said


def test_an_event_comes_in_and_a_question_is_answered(home: Path) -> None:
    event = run_event("served", ["orders"], ["revenue"])
    with serving(home, "--port", "0") as url:
        posted = web.request(
            f"{url}/api/v1/lineage", headers=JSON, data=json.dumps(event).encode()
        )
        job = web.request(f"{url}/api/v1/namespaces/etl/jobs/served").json()

    assert posted.status == 201
    assert job["latestRun"]["state"] == "COMPLETED"
    told = mlops_here("lineage", "up", "revenue", "--json")
    assert [each["node"]["name"] for each in json.loads(told.out)["reached"]] == [
        "served",
        "orders",
    ]


def test_a_prediction_that_nobody_logged_is_told_as_by_the_command(home: Path) -> None:
    with serving(home, "--port", "0") as url:
        served = web.request(f"{url}/api/v1/trace/prediction/unheard-of")
    told = mlops_here("trace", "prediction", "unheard-of")

    assert (served.status, told.code) == (404, 2)
    assert served.json()["message"].splitlines()[0] in told.err


def test_a_key_from_a_file_is_asked_for(home: Path) -> None:
    file = home / "key"
    file.write_text(f"{KEY}\nanother line\n", "utf-8")
    tags = "/api/v1/tags"
    with serving(home, "--port", "0", "--api-key-file", str(file)) as url:
        without = web.request(url + tags)
        given = web.request(url + tags, headers={"Authorization": f"Bearer {KEY}"})

    assert (without.status, given.status) == (401, 200)


def test_another_port_is_taken_where_that_of_marquez_is_in_use(home: Path) -> None:
    try:
        taken = socket.create_server(("127.0.0.1", 5000))
    except OSError:  # by someone else, which serves as well
        taken = socket.socket()
    with taken, serving(home) as url:
        assert web.healthy(f"{url}/health")
        assert not url.endswith(":5000")


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--host", "0.0.0.0"], "the API needs a key"),  # noqa: S104 - it is refused
        (["--api-key-file", "nothing"], "key in nothing: No such file or directory"),
        (
            ["--host", "nosuch.invalid", "--api-key-file", "good"],
            "cannot listen at nosuch.invalid: expected an address",
        ),
        (["--port", "70000"], "Invalid value for '--port'"),
    ],
)
def test_a_server_that_cannot_be_safe_does_not_start(
    home: Path, options: list[str], said: str
) -> None:
    (home / "good").write_text(KEY, "utf-8")
    ended = mlops_here("lineage", "serve", *options)

    assert ended.code == 2
    assert said in " ".join(ended.err.split())


@pytest.mark.usefixtures("home")
def test_a_port_in_use_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = mlops_here("lineage", "serve", "--port", port)

    assert ended.code == 5
    said = " ".join(ended.err.split())
    assert f"port {port}: Address already in use; choose another (--port)" in said


@pytest.mark.usefixtures("home")
def test_an_address_of_another_machine_is_told(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(KEY, "utf-8")
    options = ("--host", "192.0.2.1", "--api-key-file", str(key))
    ended = mlops_here("lineage", "serve", *options)

    assert ended.code == 5
    assert "choose another (--host)" in " ".join(ended.err.split())
