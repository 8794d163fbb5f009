"""A wheel that pip alone installed works, with the lowest and the newest versions.

Too long for every run: `nox -s wheel-<case>` runs it, and each package's workflow.
"""

import shutil
from collections.abc import Iterator

import pytest
from built_wheels import PACKAGES, Wheel
from installing import Installation, direct, install, workspace_packages
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

COMMON = "mlops-common"
# What a person would do first with the package, small.
JOBS = {
    "mlops-common": (
        ("data", "load", "customers.csv", "--table", "customers"),
        ("status",),
        ("config", "show"),
    ),
    "uc1-churn": (("demo", "--customers", "1500", "--months", "4"),),
    "uc4-lineage": (("run", "uc4"), ("run", "uc4", "--json"), ("lineage", "runs")),
}
# Prints the use cases that the environment has.
USE_CASES = """
from importlib.metadata import entry_points
print(*(point.name for point in entry_points(group="mlops.use_cases")))
"""
# Imports every module of the named packages but those that only tests use.
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, f"{name}."):
        if ".testing" not in module.name:
            importlib.import_module(module.name)
"""


@pytest.fixture(scope="module", params=PACKAGES)
def package(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


@pytest.fixture(scope="module", params=("lowest-direct", "highest"))
def installation(
    package: str,
    request: pytest.FixtureRequest,
    wheels: dict[str, Wheel],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Installation]:
    folder = tmp_path_factory.mktemp(f"{package}-{request.param}")
    installed = install(package, wheels, request.param, folder)
    yield installed
    installed.run("mlops", "reset", "--yes")
    shutil.rmtree(installed.environment)


def test_it_has_what_it_declares_and_no_other_use_case(
    installation: Installation, wheels: dict[str, Wheel]
) -> None:
    installation.run("python", "-m", "pip", "check")
    own = workspace_packages(installation.package, wheels)
    use_cases = installation.run("python", "-c", USE_CASES).split()

    assert wheels.keys() & installation.versions().keys() == own
    assert len(use_cases) == len(own - {"mlops-common"})


def test_the_lowest_version_that_it_admits_is_the_one_that_is_tried(
    installation: Installation, wheels: dict[str, Wheel]
) -> None:
    if installation.resolution != "lowest-direct":
        pytest.skip("the newest versions are no bounds")
    versions = installation.versions()

    untried = [
        str(requirement)
        for requirement in direct(installation.package, wheels)
        if lowest(requirement) != versions[canonicalize_name(requirement.name)]
    ]

    assert untried == []


def lowest(requirement: Requirement) -> Version:
    """Return the lowest version that a requirement admits."""
    (bound,) = (b for b in requirement.specifier if b.operator in {">=", "=="})
    return Version(bound.version)


def test_every_module_imports(
    installation: Installation, wheels: dict[str, Wheel]
) -> None:
    if installation.package == COMMON:
        pytest.skip("without its extras it need not; the use cases bring them")
    own = workspace_packages(installation.package, wheels)
    if not brings_all_of_common(wheels[installation.package], wheels[COMMON]):
        own -= {COMMON}

    names = [name.replace("-", "_") for name in own]
    installation.run("python", "-c", IMPORT_ALL, *names)


def brings_all_of_common(wheel: Wheel, common: Wheel) -> bool:
    """Tell whether a use case has every extra of the common library but the tests'."""
    brought = {e for r in wheel.requirements if r.name == COMMON for e in r.extras}
    return {*(common.metadata.provides_extra or ())} <= brought | {"testing"}


def test_it_does_its_job(installation: Installation) -> None:
    table = installation.folder / "customers.csv"
    table.write_text("customer_id,age,churn\n1,31,false\n2,52,true\n", "utf-8")

    for job in JOBS[installation.package]:
        installation.run("mlops", *job)
