import pytest

from mlops_common.serving.local.serving import NAME
from uc1_churn.config import ChurnParams, DatasetSpec


@pytest.mark.parametrize("name", ["a", "churn-predictor", "c2", "a" * 63])
def test_a_model_has_a_name_that_its_service_can_have(name: str) -> None:
    assert NAME.fullmatch(name)
    assert ChurnParams(model_name=name).model_name == name


@pytest.mark.parametrize(
    "name", ["", "2c", "-a", "a-", "A", "a_b", "a.b", "a/b", "a" * 64, "a\n"]
)
def test_a_name_that_no_service_can_have_is_refused_at_once(name: str) -> None:
    assert not NAME.fullmatch(name)
    with pytest.raises(ValueError, match="model_name"):
        ChurnParams(model_name=name)


@pytest.mark.parametrize("name", ["", "../x", "a/b", "-x", "_x", "a b", "a\n"])
def test_a_dataset_has_a_name_that_its_files_can_have(name: str) -> None:
    with pytest.raises(ValueError, match="name"):
        DatasetSpec(name=name, table="t")
