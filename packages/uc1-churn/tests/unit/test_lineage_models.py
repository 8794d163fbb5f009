"""What a version of a model, and its page, say of themselves."""

from pathlib import Path
from typing import NoReturn

import pytest

from mlops_common.bootstrap import Platform
from mlops_common.errors import BackendError
from mlops_common.objects.local import LocalObjectStore
from uc1_churn.lineage import (
    models,
    reports,
)
from uc1_churn.refs import FeaturesRef
from uc1_churn.testing.lineage import MODEL, PARAMS
from uc1_churn.training_backend import outcome
from uc1_churn.training_backend.base import TrainingRequest


def test_a_version_of_a_model_says_what_it_is(platform: Platform) -> None:
    found = models.version(platform, MODEL)

    assert (found.version, found.facets["model"]["run_id"]) == ("7", "r")
    assert [field.name for field in found.fields] == ["probability"]


def test_the_output_of_a_model_is_made_from_every_column_that_it_learns_from(
    platform: Platform, features: FeaturesRef
) -> None:
    found = models.learnt(platform, features)

    assert [origin.field for origin in found["probability"]] == ["age", "city", "label"]


def test_a_registered_version_tells_what_its_training_left(
    platform: Platform, features: FeaturesRef
) -> None:
    request = TrainingRequest(
        dataset=features.training_set, params=PARAMS, run_key="monday", git_commit="now"
    )
    left = {"git_commit": "then", "metrics": {"roc_auc": 0.8}}
    outcome.keep_facts(platform.objects, "monday", left)

    told = models.registered(platform, MODEL, features, request).facets["model"]

    assert told["metrics"] == {"roc_auc": 0.8}
    assert (told["git_commit"], told["run_key"]) == ("then", "monday")
    assert (told["run_id"], told["experiment"]) == ("r", "churn")


def test_a_version_of_before_tells_what_is_known_without_asking(
    platform: Platform, features: FeaturesRef
) -> None:
    request = TrainingRequest(
        dataset=features.training_set, params=PARAMS, run_key="monday", git_commit="now"
    )

    told = models.registered(platform, MODEL, features, request).facets["model"]

    assert (told["git_commit"], told["metrics"]) == ("now", {})


def test_training_goes_on_where_its_facts_cannot_be_left(
    platform: Platform, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise BackendError("the disk is full")

    monkeypatch.setattr(LocalObjectStore, "put", refuse)

    outcome.keep_facts(platform.objects, "monday", {"metrics": {}})

    assert outcome.facts(platform.objects, "monday") == {}


def test_the_pages_of_all_versions_are_one_dataset(tmp_path: Path) -> None:
    other = MODEL.model_copy(update={"version": 8})

    first = reports.page(MODEL, tmp_path / "churn-v7.html")
    second = reports.page(other, tmp_path / "churn-v8.html")

    assert first.name == second.name
    assert (first.version, second.version) == ("7", "8")
