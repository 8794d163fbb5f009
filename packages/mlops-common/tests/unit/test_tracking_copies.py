from pathlib import Path

import pytest

from mlops_common.errors import ContractError
from mlops_common.refs import ModelRef
from mlops_common.serving.artifact import folder_digest
from mlops_common.tracking.copies import copied


@pytest.fixture
def stored(tmp_path: Path) -> Path:
    """A model as it is kept elsewhere."""
    folder = tmp_path / "elsewhere" / "model"
    folder.mkdir(parents=True)
    (folder / "model.txt").write_text("tree", "utf-8")
    return folder


class Elsewhere:
    """A store that counts how often it was asked."""

    def __init__(self, stored: Path) -> None:
        self.stored = stored
        self.asked = 0

    def download(self, uri: str, folder: Path) -> Path:
        assert uri == "s3://bucket/model"
        self.asked += 1
        copy = folder / "model"
        copy.mkdir()
        for file in self.stored.iterdir():
            (copy / file.name).write_bytes(file.read_bytes())
        return copy


def model(stored: Path) -> ModelRef:
    digest = folder_digest(stored)
    return ModelRef(
        name="m", version=1, run_id="r", uri="s3://bucket/model", digest=digest
    )


def test_a_model_is_copied_once_and_kept_under_its_digest(
    stored: Path, tmp_path: Path
) -> None:
    elsewhere, reference = Elsewhere(stored), model(stored)

    first = copied(tmp_path / "models", reference, elsewhere.download)
    again = copied(tmp_path / "models", reference, elsewhere.download)

    assert first == again == tmp_path / "models" / reference.digest
    assert (first / "model.txt").read_text("utf-8") == "tree"
    assert elsewhere.asked == 1
    assert [path.name for path in first.parent.iterdir()] == [reference.digest]


def test_bytes_other_than_those_of_the_version_are_refused_and_not_kept(
    stored: Path, tmp_path: Path
) -> None:
    reference = model(stored)
    (stored / "model.txt").write_text("another", "utf-8")

    with pytest.raises(ContractError, match="altered"):
        copied(tmp_path / "models", reference, Elsewhere(stored).download)

    assert list((tmp_path / "models").iterdir()) == []


def test_a_copy_that_was_altered_is_refused(stored: Path, tmp_path: Path) -> None:
    elsewhere, reference = Elsewhere(stored), model(stored)
    copy = copied(tmp_path / "models", reference, elsewhere.download)
    (copy / "model.txt").write_text("another", "utf-8")

    with pytest.raises(ContractError, match="altered"):
        copied(tmp_path / "models", reference, elsewhere.download)
