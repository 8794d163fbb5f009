"""Secrets that runs tell, and those that receivers want."""

import json
import logging
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from mlops_common.lineage.dataset import Dataset
from mlops_common.lineage.emission.emitter import Emitter
from mlops_common.lineage.emission.emitters import SPOOL
from mlops_common.lineage.naming import stored
from mlops_common.lineage.observation import Failure, JobRun, observed
from mlops_common.lineage.statement import Statement
from mlops_common.testing.emission import WAIT, emit, emitter_of, eventually, runs
from mlops_common.testing.lineage import START, a_run
from mlops_common.testing.lineage_receiver import MarquezDouble, marquez_double

pytestmark = pytest.mark.usefixtures("patient")


def test_a_key_is_sent_and_is_nowhere_else(
    home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with marquez_double(key="s3cret-key") as marquez:
        wrong = emitter_of(marquez, home, api_key=SecretStr("wr0ng-key"))
        with caplog.at_level(logging.DEBUG):
            emit(wrong, range(1))
            assert not wrong.flush(WAIT)
            wrong.close()
            right = emitter_of(marquez, home, api_key=SecretStr("s3cret-key"))
            emit(right, range(1, 2))
            eventually(right)
            right.close()

        assert marquez.runs == runs(0, 1)
        assert set(marquez.keys) == {"Bearer wr0ng-key", "Bearer s3cret-key"}
    assert "lineage.api_key" in caplog.text
    files = b"".join(file.read_bytes() for file in home.rglob("*") if file.is_file())
    for secret in ("s3cret-key", "wr0ng-key"):
        assert secret not in caplog.text
        assert secret not in repr(right.__dict__)
        assert secret.encode() not in files


SECRETS = ("s3cret", "hunter2", "pa55word")


def test_no_secret_of_a_run_is_on_disk_or_told(
    lineage: Emitter, marquez: MarquezDouble, home: Path
) -> None:
    queries = (
        "SELECT a FROM dblink('host=h user=u password=s3cret', 'q')",
        "CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'a', password 's3cret')",
        "ALTER ROLE a PASSWORD 's3cret' -- postgres://ann:hunter2@db",
    )
    address = "postgres://ann:hunter2@db/shop"
    said = Dataset(
        name=stored("s3://ann:hunter2@store/a"),
        uri=address,
        documentation=f"see {address}",
        facets={"login": {"password": "pa55word", "nested": {"api_key": "s3cret"}}},
    )
    known: dict[str, Any] = {
        "statements": tuple(Statement(query=query) for query in queries),
        "inputs": (said,),
        "outputs": (said,),
        "documentation": f"see {address}",
        "failure": Failure.of(OSError(f"{address} says password='pa55word'")),
        "facets": {"config": {"token": "s3cret", "text": f"at {address}"}},
    }
    for job in ("flow.task", ""):  # the receiver refuses the latter
        lineage.emit(observed("FAIL", JobRun(run=a_run(1), job=job), START, **known))
    eventually(lineage)

    assert (home / SPOOL / "refused.jsonl").stat().st_mode & 0o777 == 0o600
    files = [file for file in home.rglob("*") if file.is_file()]
    kept = b"".join(file.read_bytes() for file in files).decode()
    told = json.dumps(marquez.requests)
    assert "mlops_config" in told
    assert "mlops_login" in told
    for secret in SECRETS:
        assert secret not in kept
        assert secret not in told


def test_the_login_of_a_url_is_sent_and_logged_nowhere(
    marquez: MarquezDouble, home: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = marquez.url.replace("http://", "http://ann:hunter2@")
    with caplog.at_level(logging.DEBUG):
        lineage = emitter_of(marquez, home, url=url)
        emit(lineage, range(1))
        eventually(lineage)
        marquez.go()
        emit(lineage, range(1, 2))
        lineage.flush(WAIT)
        lineage.close()

    assert marquez.runs == runs(0)
    assert marquez.keys == [f"Basic {b64encode(b'ann:hunter2').decode()}"]
    assert "hunter2" not in caplog.text
