import gzip
import json
from copy import deepcopy
from functools import cache
from importlib import resources
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from mlops_common.errors import ConfigError, ContractError
from mlops_common.refs import ModelRef
from mlops_common.serving.base import SPECS, ServiceSpec
from mlops_common.serving.kserve.manifest import Style, Target, manifests, read
from mlops_common.serving.kserve.rollout import PREFIX, Rollout, Version
from mlops_common.testing.kubernetes import custom_resources
from mlops_common.testing.shared import shared

jsonschema: Any = pytest.importorskip("jsonschema")
STYLES: tuple[Style, ...] = ("revisions", "canary", "sibling")


def version(number: int, uri: str = "s3://models/score") -> Version:
    model = ModelRef(
        name="score",
        version=number,
        run_id="run",
        uri=f"{uri}/{number}",
        digest="ab",
        dataset="customers@v3",
    )
    spec = ServiceSpec("scores", model, "models:load", entity="customer_id")
    return Version(f"v{number}-a1b2c3", spec)


ONE, TWO, THREE = (version(number) for number in (1, 2, 3))
ROLLOUTS = {
    "first": Rollout().with_staged(ONE),
    "promoted": Rollout(ONE),
    "staged": Rollout(ONE).with_staged(TWO),
    "second": Rollout(TWO, ONE),
    "third": Rollout(THREE, TWO, ONE),
    "stopped": Rollout(TWO, ONE).ended(),
}


def target(style: Style, **fields: str) -> Target:
    return Target("scores", "models", style, **fields)


def told(rollout: Rollout, style: Style) -> Rollout:
    """Return the rollout that the manifests of another tell."""
    found = {m["metadata"]["name"]: m for m in manifests(rollout, target(style))}
    return read(found.get("scores"), found.get("scores-staged"))


@cache
def validator(kind: str) -> Any:
    """Return what checks a resource as strictly as an API server does."""
    for definition in custom_resources("kserve"):
        if definition["spec"]["names"]["kind"] == kind:
            schema = definition["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
            return jsonschema.Draft7Validator(_closed(deepcopy(schema)))
    pytest.fail(f"no definition of {kind}")


def _closed(schema: Any) -> Any:
    """Allow the fields alone that a schema names."""
    if isinstance(schema, dict):
        for value in schema.values():
            _closed(value)
        if schema.get("x-kubernetes-int-or-string"):
            schema.pop("type", None)
        named = isinstance(schema.get("properties"), dict) and schema["properties"]
        if named and not schema.get("x-kubernetes-preserve-unknown-fields"):
            schema.setdefault("additionalProperties", False)
    elif isinstance(schema, list):
        for value in schema:
            _closed(value)
    return schema


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rollout", ROLLOUTS.values(), ids=ROLLOUTS)
def test_a_manifest_tells_the_rollout_that_it_was_made_of(
    style: Style, rollout: Rollout
) -> None:
    found = told(rollout, style)

    assert (found.promoted, found.staged) == (rollout.promoted, rollout.staged)
    assert (found.percent, found.stopped) == (rollout.percent, rollout.stopped)
    if rollout.promoted is not None:
        assert found.previous == rollout.previous


@given(st.lists(st.sampled_from(["stage", "split", "promote", "discard"]), max_size=9))
def test_a_service_tells_its_versions_whatever_was_done(steps: list[str]) -> None:
    for style in STYLES:
        expected: list[Version] = []
        staged: Version | None = None
        rollout = Rollout()
        for number, step in enumerate(steps, 1):
            if step == "stage":
                staged = version(number)
                rollout = rollout.with_staged(staged)
            elif staged is None:
                continue
            elif step == "split" and expected and style != "sibling":
                rollout = rollout.with_percent(number * 10)
            elif step == "promote":
                expected.append(staged)
                rollout, staged = rollout.with_promotion(), None
            elif step == "discard":
                rollout, staged = rollout.without_staged(), None
            rollout = told(rollout, style)

        assert rollout.staged == staged
        assert rollout.promoted == (expected[-1] if expected else None)
        assert rollout.previous == (expected[-2] if len(expected) > 1 else None)


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("rollout", ROLLOUTS.values(), ids=ROLLOUTS)
def test_a_manifest_fits_the_definition_of_kserve(
    style: Style, rollout: Rollout
) -> None:
    check = validator("InferenceService")
    full = target(style, runtime="mlops", service_account="deployer")

    for document in manifests(rollout, full):
        check.validate(document)
        predictor = document["spec"]["predictor"]
        assert predictor["model"]["runtime"] == "mlops"
        assert predictor["serviceAccountName"] == "deployer"


def test_the_published_schema_agrees() -> None:
    folder = shared("data/gitops/jsonschema")
    file = folder / "serving.kserve.io_inferenceservice_v1beta1.json.gz"
    schema = json.loads(gzip.decompress(file.read_bytes()))

    document = manifests(ROLLOUTS["staged"], target("revisions"))[0]

    jsonschema.validate(document, schema)


def test_a_misspelt_field_would_be_found() -> None:
    document = manifests(ROLLOUTS["promoted"], target("canary"))[0]
    document["spec"]["predictor"]["minReplica"] = 1

    with pytest.raises(jsonschema.ValidationError, match="minReplica"):
        validator("InferenceService").validate(document)


def test_a_canary_of_revisions_is_that_of_kserves_sample() -> None:
    sample = shared("data/gitops/kserve_samples/rollout/canary.yaml")
    theirs = yaml.safe_load(sample.read_text("utf-8"))
    rollout = ROLLOUTS["staged"].with_percent(10)

    ours = manifests(rollout, target("revisions"))[0]

    assert ours["apiVersion"] == theirs["apiVersion"]
    assert ours["kind"] == theirs["kind"]
    percent = theirs["spec"]["predictor"]["canaryTrafficPercent"]
    assert ours["spec"]["predictor"]["canaryTrafficPercent"] == percent
    assert ours["spec"]["predictor"]["model"]["storageUri"] == TWO.spec.model.uri


def test_the_runtime_fits_the_definition_of_kserve() -> None:
    file = resources.files("mlops_common.serving") / "manifests/serving_runtime.yaml"

    validator("ServingRuntime").validate(yaml.safe_load(file.read_text("utf-8")))


@pytest.mark.parametrize("style", STYLES)
def test_the_mode_is_always_annotated(style: Style) -> None:
    for document in manifests(ROLLOUTS["staged"], target(style)):
        annotations = document["metadata"]["annotations"]
        mode = "Knative" if style == "revisions" else "Standard"
        assert annotations["serving.kserve.io/deploymentMode"] == mode


def test_promotion_changes_no_pod() -> None:
    canary = manifests(ROLLOUTS["staged"], target("canary"))[0]["spec"]["canary"][0]
    after = manifests(ROLLOUTS["staged"].with_promotion(), target("canary"))[0]
    assert after["spec"]["predictor"] == canary["predictor"]

    newest, promoted = (
        manifests(rollout, target("revisions"))[0]
        for rollout in (ROLLOUTS["staged"], ROLLOUTS["staged"].with_promotion())
    )
    assert newest["spec"]["predictor"].pop("canaryTrafficPercent") == 0
    assert promoted == newest


def test_no_request_reaches_a_discarded_revision() -> None:
    for percent, held in ((50, 0), (100, None)):
        rollout = ROLLOUTS["staged"].with_percent(percent).without_staged()
        predictor = manifests(rollout, target("revisions"))[0]["spec"]["predictor"]
        assert predictor["model"]["storageUri"] == ONE.spec.model.uri
        assert predictor.get("canaryTrafficPercent") == held


def test_the_pod_is_told_what_it_serves_and_nothing_of_where_it_came_from() -> None:
    document = manifests(ROLLOUTS["promoted"], target("canary"))[0]
    model = document["spec"]["predictor"]["model"]

    spec = SPECS.validate_json(model["env"][0]["value"])

    assert model["env"][0]["name"] == "SERVICE_SPEC"
    assert spec.model.uri == "file:///mnt/models"
    assert spec.model.digest == ONE.spec.model.digest
    assert spec.predictor == "models:load"


@pytest.mark.parametrize(
    "uri", ["file:///models/1", "models:/score", "mlflow-artifacts:/1", "models/1"]
)
def test_a_model_that_no_pod_can_fetch_is_refused(uri: str) -> None:
    with pytest.raises(ConfigError, match="a pod cannot fetch"):
        manifests(Rollout(version(1, uri)), target("canary"))


def test_a_name_that_grows_too_long_is_refused() -> None:
    long = Target("a" * 50, "models", "canary")

    with pytest.raises(ConfigError, match="name it shorter"):
        long.check(ONE)
    target("revisions").check(ONE)


def test_altered_annotations_are_told() -> None:
    document = manifests(Rollout(ONE), target("canary"))[0]
    document["spec"]["predictor"]["annotations"][PREFIX + "serves"] = "{}"

    with pytest.raises(ContractError, match="were altered"):
        read(document)


def test_a_service_of_another_hand_has_no_version_of_ours() -> None:
    sample = shared("data/gitops/kserve_samples/sklearn/v2/sklearn.yaml")

    assert read(yaml.safe_load(sample.read_text("utf-8"))).empty
