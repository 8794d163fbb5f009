"""`mlops down` and `mlops reset` say what they did, and not what they did not."""

from pathlib import Path

import pytest

from mlops_common import cli


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def said(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    with pytest.raises(SystemExit) as caught:
        cli.main(list(words))
    assert not caught.value.code
    return capsys.readouterr().out


def test_a_stop_of_nothing_says_so(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert said(capsys, "down") == f"nothing runs in {home}\n"


def test_a_home_is_deleted_once(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "objects").mkdir(parents=True)

    assert said(capsys, "reset", "--yes") == f"deleted {home}\n"
    assert not home.exists()
    assert said(capsys, "reset", "--yes") == f"there is no {home} to delete\n"
