"""The wheels of all packages: those of a folder that is named, or built once."""

from pathlib import Path

import pytest
from built_wheels import PACKAGES, Wheel, build, found


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let a release name the wheels that it will publish."""
    parser.addoption("--wheels", type=Path, help="folder with built wheels to test")


@pytest.fixture(scope="session")
def wheels(
    pytestconfig: pytest.Config, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Wheel]:
    """Every package's wheel, by the package's name."""
    folder: Path | None = pytestconfig.getoption("--wheels")
    given = {
        package: wheel
        for package in PACKAGES
        if folder is not None and (wheel := found(package, folder)) is not None
    }
    assert folder is None or given, f"{folder} holds no wheel of {PACKAGES}"
    return {
        package: given.get(package) or build(package, tmp_path_factory.mktemp(package))
        for package in PACKAGES
    }


@pytest.fixture(scope="session", params=PACKAGES)
def wheel(request: pytest.FixtureRequest, wheels: dict[str, Wheel]) -> Wheel:
    """One package's wheel."""
    return wheels[request.param]
