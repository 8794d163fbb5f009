"""Every command of the READMEs runs, and every settings example loads.

The commands of all pages run in order in one new folder, as one user would type them.
Left out are those that install software or run the checks themselves: of a `nox`
command the session must exist, and `pip install` is taken for done. Those that need a
Prefect worker, or stay, are run by the end-to-end tests of their package.
"""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
# The root's page ends by deleting everything, so it comes last.
PAGES = (*sorted(ROOT.glob("packages/*/README.md")), ROOT / "README.md")
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.MULTILINE | re.DOTALL)
SHARED = Path(os.environ.get("MLOPS_SHARED", ROOT.parent / "shared"))
TIMEOUT = 600


@dataclass(frozen=True)
class Command:
    """One command of a page."""

    page: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text}"


def blocks(language: str) -> Iterator[tuple[str, str]]:
    for page in PAGES:
        for found, text in BLOCK.findall(page.read_text("utf-8")):
            if found == language:
                yield page.relative_to(ROOT).as_posix(), text


def commands() -> Iterator[Command]:
    for page, text in blocks("bash"):
        joined = text.replace("\\\n", " ")
        for line in joined.splitlines():
            for part in re.split(r"\s&&\s", line.split("  #")[0]):
                if part.strip():
                    yield Command(page, part.strip())


def own(command: Command) -> list[str] | None:
    """Return the words of a command that is to be run here, without `uv run`."""
    words = shlex.split(command.text)
    if words[:2] == ["uv", "run"]:
        words = words[2:]
    if "--serve" in words:
        return None
    if words[0] == "mlops":
        return [sys.executable, "-m", "mlops_common.cli", *words[1:]]
    if words[0] == "python":
        return [sys.executable, *words[1:]]
    if words[0] == "curl":
        return words
    return None


# A command of several pages runs once.
RUNNABLE = list({tuple(own(c) or ()): c for c in commands() if own(c)}.values())
OTHERS = [command for command in commands() if not own(command)]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Give all commands one new folder; stop what they started."""
    folder = tmp_path_factory.mktemp("user")
    telco = SHARED / "data/churn/telco/Telco-Customer-Churn.csv.gz"
    if telco.exists():
        (folder / telco.name).symlink_to(telco)
    yield folder
    run(["-m", "mlops_common.cli", "reset", "--yes"], folder)


def run(words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words if words[0] in {sys.executable, "curl"} else [sys.executable, *words],
        cwd=folder,
        env={**os.environ, "MLOPS_HOME": str(folder / "home")},
        capture_output=True,
        text=True,
        timeout=TIMEOUT,
        check=False,
    )


@pytest.mark.parametrize("command", RUNNABLE, ids=str)
def test_the_command_runs(command: Command, home: Path) -> None:
    words = own(command)
    assert words is not None
    files = [word for word in words if word.endswith((".csv.gz", ".xlsx"))]
    if missing := [name for name in files if not (home / name).exists()]:
        pytest.skip(f"needs {missing[0]} of the shared data: set MLOPS_SHARED")

    done = run(words, home)

    assert done.returncode == 0, done.stderr or done.stdout


@pytest.mark.parametrize("command", OTHERS, ids=str)
def test_the_command_exists(command: Command) -> None:
    words = shlex.split(command.text)
    if "nox" in words:
        listed = (ROOT / "noxfile.py").read_text("utf-8")
        sessions = [word for word in words if re.fullmatch(r"[a-z]+-[a-z0-9]+", word)]
        for session in sessions:
            kind, _, case = session.partition("-")
            assert f"`{kind}-<case>`" in listed
            assert f'"{case}"' in listed
    else:
        known = {"pip", "uv", "prefect", "cd", "git", "psql", "feast", "dvc"}
        assert words[0] in known


@pytest.mark.parametrize(("page", "text"), list(blocks("python")))
def test_the_python_example_runs(page: str, text: str, home: Path) -> None:
    done = run(["-c", text], home)

    assert done.returncode == 0, f"{page}: {done.stderr}"


@pytest.mark.parametrize(("page", "text"), list(blocks("yaml")))
def test_the_settings_example_loads(page: str, text: str, tmp_path: Path) -> None:
    from mlops_common.config import load
    from mlops_common.params import validated
    from mlops_common.use_case import installed

    file = tmp_path / "config.yaml"
    file.write_text(text, "utf-8")
    values = yaml.safe_load(text)
    settings = load(file, {}).settings
    for name, case in installed().items():
        if name in values:
            validated(case.load_params(), getattr(settings, name), where=page)
