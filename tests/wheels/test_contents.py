"""A wheel holds its package, whole, and says of itself what is true."""

from configparser import ConfigParser
from pathlib import Path

import pytest
from built_wheels import PACKAGES, Wheel
from packaging.utils import canonicalize_name
from packaging.version import Version

# What only a wheel's user would miss: one file of each kind, by the package's name.
DATA = {
    "mlops-common": (
        "mlops_common/lineage/sql/create.sql",
        "mlops_common/postgres/server.conf",
        "mlops_common/postgres/sql/tables.sql",
        "mlops_common/py.typed",
        "mlops_common/serving/manifests/inference_service.yaml",
    ),
    "uc1-churn": (
        "uc1_churn/validation/contracts/customers.yaml",
        "uc1_churn/feature_repo/feature_store.yaml",
        "uc1_churn/prefect.yaml",
        "uc1_churn/presets/telco.yaml",
        "uc1_churn/py.typed",
        "uc1_churn/sql/latest_rows.sql",
        "uc1_churn/reporting/templates/report.html.j2",
    ),
    "uc4-lineage": (
        "uc4_lineage/prefect.yaml",
        "uc4_lineage/py.typed",
        "uc4_lineage/templates/coverage.html.j2",
    ),
}


def test_it_holds_every_file_of_the_source_tree_and_no_other(wheel: Wheel) -> None:
    assert wheel.files == tree(wheel.source / "src")


def tree(source: Path) -> dict[str, bytes]:
    files = (path for path in source.rglob("*") if path.is_file())
    kept = (path for path in files if "__pycache__" not in path.parts)
    return {path.relative_to(source).as_posix(): path.read_bytes() for path in kept}


@pytest.mark.parametrize("package", PACKAGES)
def test_it_holds_data_of_each_kind(package: str, wheels: dict[str, Wheel]) -> None:
    assert set(DATA[package]) <= set(wheels[package].files)


def test_it_says_its_name_version_and_licence(wheel: Wheel) -> None:
    said = wheel.metadata

    assert said.name == wheel.project["name"]
    assert str(said.version) == wheel.project["version"]
    assert said.license_expression == "Apache-2.0"
    assert said.license_files == ["LICENSE"]
    assert said.summary
    assert said.description


def test_every_requirement_names_the_lowest_version_that_works(wheel: Wheel) -> None:
    open_below = [
        str(requirement)
        for requirement in wheel.requirements
        if canonicalize_name(requirement.name) not in PACKAGES
        and not {">=", "=="} & {bound.operator for bound in requirement.specifier}
    ]

    assert open_below == []


def test_it_admits_the_common_library_of_this_checkout_and_no_other_package(
    wheel: Wheel, wheels: dict[str, Wheel]
) -> None:
    own = wheel.metadata.name
    common = Version(str(wheels["mlops-common"].project["version"]))
    needed = [
        requirement
        for requirement in wheel.requirements
        if canonicalize_name(requirement.name) in PACKAGES
    ]

    assert {requirement.name for requirement in needed} <= {"mlops-common", own}
    assert all(common in requirement.specifier for requirement in needed)


def test_it_tells_the_mlops_command_of_its_use_case(wheel: Wheel) -> None:
    points = ConfigParser()
    points.read_string(wheel.entry_points)

    if wheel.metadata.name == "mlops-common":
        assert points["console_scripts"]["mlops"] == "mlops_common.cli:main"
    else:
        case, _, _ = wheel.metadata.name.partition("-")
        module = wheel.metadata.name.replace("-", "_")
        assert dict(points["mlops.use_cases"]) == {case: f"{module}.use_case:USE_CASE"}
