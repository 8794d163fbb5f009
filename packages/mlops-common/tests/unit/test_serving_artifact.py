from pathlib import Path

import pytest

from mlops_common.errors import ConfigError, ContractError, NotFoundError
from mlops_common.refs import ModelRef
from mlops_common.serving.artifact import folder_digest, verified


def folder(path: Path, **files: str) -> Path:
    for name, text in files.items():
        file = path / name.replace("__", "/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    return path


def model(uri: str, digest: str) -> ModelRef:
    return ModelRef(name="churn", version=3, run_id="r", uri=uri, digest=digest)


def test_the_digest_depends_on_names_and_bytes_only(tmp_path: Path) -> None:
    first = folder(tmp_path / "one", a="1", b__c="2")
    same = folder(tmp_path / "two", b__c="2", a="1")

    assert folder_digest(first) == folder_digest(same)


@pytest.mark.parametrize(
    "files", [{"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}, {}, {"x__a": "1"}]
)
def test_any_other_folder_has_another_digest(
    tmp_path: Path, files: dict[str, str]
) -> None:
    known = folder(tmp_path / "known", a="1")
    (tmp_path / "other").mkdir()

    assert folder_digest(folder(tmp_path / "other", **files)) != folder_digest(known)


def test_a_registered_folder_is_found_by_its_uri(tmp_path: Path) -> None:
    path = folder(tmp_path / "a model", a="1")

    assert verified(model(path.as_uri(), folder_digest(path))) == path


def test_altered_bytes_are_a_broken_promise(tmp_path: Path) -> None:
    path = folder(tmp_path / "model", a="1")
    reference = model(path.as_uri(), folder_digest(path))
    folder(path, a="2")

    with pytest.raises(ContractError, match=r"churn version 3 .* altered"):
        verified(reference)


def test_an_absent_folder_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="no model folder"):
        verified(model((tmp_path / "gone").as_uri(), "0" * 64))


def test_only_folders_of_this_machine_are_served() -> None:
    with pytest.raises(ConfigError, match=r"s3://bucket/model; .* file://"):
        verified(model("s3://bucket/model", "0" * 64))
