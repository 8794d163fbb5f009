"""Use cases are those that are installed, whoever made them."""

import json
import os
from pathlib import Path

import pytest

from mlops_common.testing.command import mlops

MODULE = """
from mlops_common.use_case import UseCase
USE_CASE = UseCase("uc9", "Bread: from flour to a loaf", "bread:bake", "bread:Params")
"""
METADATA = "Metadata-Version: 2.1\nName: uc9-bread\nVersion: 1.0\n"
ENTRY_POINT = "[mlops.use_cases]\nuc9 = uc9_bread:USE_CASE\n"
TITLE = "Bread: from flour to a loaf"


@pytest.fixture
def wheel(tmp_path: Path) -> dict[str, str]:
    """Variables with which another use case is installed; its flow is not there."""
    site = tmp_path / "site"
    info = site / "uc9_bread-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(METADATA, "utf-8")
    (info / "entry_points.txt").write_text(ENTRY_POINT, "utf-8")
    (site / "uc9_bread.py").write_text(MODULE, "utf-8")
    there = os.environ.get("PYTHONPATH", "")
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(site), there]))}


def test_a_use_case_is_listed_if_it_is_installed_and_not_otherwise(
    wheel: dict[str, str], tmp_path: Path
) -> None:
    without = mlops("run", "--json", folder=tmp_path)
    given = mlops("run", "--json", variables=wheel, folder=tmp_path)

    assert without.code == given.code == 0
    assert json.loads(given.out) == {**json.loads(without.out), "uc9": TITLE}
    assert "uc9" not in json.loads(without.out)
