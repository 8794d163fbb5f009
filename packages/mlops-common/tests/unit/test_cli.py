import errno
import io
import json
from pathlib import Path

import pytest
import typer

from mlops_common import cli
from mlops_common.errors import (
    BackendError,
    ConfigError,
    ContractError,
    NotFoundError,
    RefusedError,
)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Run in an empty folder, and undo what the command tells its children."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLOPS_HOME", str(tmp_path / "home"))
    return tmp_path


def run(*words: str) -> int:
    with pytest.raises(SystemExit) as caught:
        cli.main(list(words))
    code = caught.value.code
    return code if isinstance(code, int) else 0


def test_help_lists_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0

    shown = capsys.readouterr().out
    for command in ("demo", "run", "data", "config", "up", "status", "logs", "down"):
        assert command in shown


def test_an_unknown_use_case_exits_with_2(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("run", "uc9") == 2

    assert "no use case 'uc9' is installed" in capsys.readouterr().err


def test_which_deployment_is_asked_for_is_named_with_where_it_runs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("run", "uc1", "--deployment", "hourly") == 2

    assert "give --deployed or --serve too" in capsys.readouterr().err


def test_the_quota_says_what_it_does_not_count(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert run("quota", "--help") == 0

    shown = capsys.readouterr().out
    assert "A month is 30 days" in shown
    assert "Runs that events start are not counted" in " ".join(shown.split())


def test_a_mistake_in_the_file_exits_with_2(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text("postgers: {}", "utf-8")

    assert run("config", "validate") == 2

    message = capsys.readouterr().err
    assert "unknown key 'postgers'" in message
    assert "Traceback" not in message


def test_an_error_is_json_where_json_was_asked_for(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text("postgers: {}", "utf-8")

    assert run("config", "show", "--json") == 2

    assert json.loads(capsys.readouterr().out)["error"] == "ConfigError"


def test_config_show_masks_secrets_and_names_origins(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("MLOPS_POSTGRES__PASSWORD", "hunter2")

    assert run("config", "show", "--json") == 0

    shown = capsys.readouterr().out
    assert "hunter2" not in shown
    assert json.loads(shown)["postgres.password"] == {
        "value": "**********",
        "origin": "$MLOPS_POSTGRES__PASSWORD",
    }


def test_config_schema_is_a_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("config", "schema") == 0

    assert "postgres" in json.loads(capsys.readouterr().out)["properties"]


def test_an_unsupported_platform_gets_a_clear_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.platform", "win32")

    assert run("status") == 2

    assert "Linux and macOS" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConfigError("x"), 2),
        (NotFoundError("x"), 2),
        (ContractError("x"), 3),
        (RefusedError("x", {"auc": 0.1}), 4),
        (BackendError("x"), 5),
        (OSError(errno.ENOSPC, "No space left on device"), 5),
        (PermissionError(errno.EACCES, "Permission denied", "/home"), 2),
        (KeyError("x"), 1),
        (KeyboardInterrupt(), 130),
    ],
)
def test_every_kind_of_error_has_its_exit_code_and_no_traceback(
    error: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    command = typer.Typer()

    @command.command()
    def fail() -> None:
        raise error

    with pytest.raises(SystemExit) as caught:
        cli.run_command(command, [])

    assert caught.value.code == code
    assert "Traceback" not in capsys.readouterr().err


def test_a_secret_in_the_file_earns_a_warning_on_standard_error(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "config.yaml").write_text("postgres: {password: hunter2}", "utf-8")

    assert run("config", "validate") == 0

    said = capsys.readouterr()
    assert "set MLOPS_POSTGRES__PASSWORD instead" in said.err
    assert "hunter2" not in said.out + said.err


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("down",), "stopped"),
        (("reset", "--yes"), "deleted"),
        (("config", "validate"), "valid"),
    ],
)
def test_every_command_that_tells_can_tell_it_as_json(
    words: tuple[str, ...], key: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(*words, "--json") == 0

    assert key in json.loads(capsys.readouterr().out)


def test_a_reset_asks_first_and_deletes_nothing_without_an_answer(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    (folder / "home" / "objects").mkdir(parents=True)

    assert run("reset", "--json") == 1

    said = capsys.readouterr()
    assert "Delete" in said.err
    assert said.out.strip() == ""
    assert (folder / "home" / "objects").is_dir()


def test_a_path_is_whole_in_a_pipe(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    deep = folder.joinpath(*["a-long-name-of-a-folder"] * 5)
    monkeypatch.setenv("MLOPS_HOME", str(deep))

    assert run("status") == 0

    assert f"{deep} (" in capsys.readouterr().out
