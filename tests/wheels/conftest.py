"""The wheels of all packages, built once."""

import pytest
from built_wheels import PACKAGES, Wheel, build


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Wheel]:
    """Every package's wheel, by the package's name."""
    return {
        package: build(package, tmp_path_factory.mktemp(package))
        for package in PACKAGES
    }


@pytest.fixture(scope="session", params=PACKAGES)
def wheel(request: pytest.FixtureRequest, wheels: dict[str, Wheel]) -> Wheel:
    """One package's wheel."""
    return wheels[request.param]
