"""The Data Docs page, and what it leaves."""

import tempfile
from pathlib import Path

import pytest

from mlops_common.errors import BackendError
from uc1_churn.testing.validation import (
    DEMO,
    GREAT_EXPECTATIONS,
    Check,
    refused,
    table,
)

pytestmark = GREAT_EXPECTATIONS


def test_the_page_tells_of_every_check_and_needs_no_server(
    check: Check, tmp_path: Path
) -> None:
    refused(check, table(age=[0] * 10))
    page = (tmp_path / "docs.html").read_text("utf-8")

    for name in DEMO["columns"]:
        assert name in page
    assert "demo" in page
    assert "http" not in page
    assert "passed" in page
    assert "<title>Data Docs: demo</title>" in page
    assert "2026-03-01T12:00:00Z" in page
    assert "__none__" not in page
    assert "None" not in page
    assert len(page) < 1 << 20


def test_a_page_that_cannot_be_written_leaves_nothing(
    check: Check, tmp_path: Path
) -> None:
    (tmp_path / "docs.html").mkdir()

    with pytest.raises(BackendError, match=r"cannot write .*docs\.html"):
        check(table())

    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "docs.html",
        "table.parquet",
    ]


def test_nothing_is_left_in_the_temporary_folder(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))

    check(table())
    refused(check, table(age=[0] * 10))

    assert list(scratch.rglob("*")) == []
