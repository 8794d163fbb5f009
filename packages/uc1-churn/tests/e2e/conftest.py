"""A platform of its own for the end-to-end tests, with everything embedded."""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from mlops_common.bootstrap import Platform, connect
from mlops_common.home import reset
from mlops_common.launch import launch
from mlops_common.orchestration.server.session import quiet
from mlops_common.simulation import write_company
from uc1_churn.result import ChurnResult
from uc1_churn.use_case import USE_CASE

HERE = Path(__file__).parent
COMPANY = {"customers": 1_500, "months": 4, "seed": 7}
Run = Callable[..., ChurnResult]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the warnings of ten vendors' libraries pass; ours are errors here too."""
    for item in items:
        if item.path.is_relative_to(HERE):
            for rule in ("ignore", "error:::mlops_common", "error:::uc1_churn"):
                item.add_marker(pytest.mark.filterwarnings(rule))


@pytest.fixture(scope="session")
def platform(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Platform]:
    """A new home with a simulated company; no settings of the user's."""
    folder = tmp_path_factory.mktemp("e2e")
    with pytest.MonkeyPatch.context() as patch:
        for name in [*os.environ]:
            if name.startswith(("MLOPS_", "PREFECT_")) and name != "MLOPS_SHARED":
                patch.delenv(name)
        patch.setenv("MLOPS_HOME", str(folder / "home"))
        patch.setenv("PREFECT_HOME", str(folder / "prefect"))
        patch.chdir(folder)
        quiet()
        platform = connect()
        make_company(platform)
        yield platform
        reset(platform)


def make_company(platform: Platform) -> None:
    platform.postgres.ensure_database("customers")
    write_company(
        platform.postgres,
        seed=COMPANY["seed"],
        customers=COMPANY["customers"],
        months=COMPANY["months"],
        end=datetime.now(UTC).date().replace(day=1),
    )


@pytest.fixture(scope="session")
def run(platform: Platform) -> Run:
    """Run UC1 as `mlops run uc1` does, with few bootstrap replicates."""

    def run_pipeline(**values: Any) -> ChurnResult:
        training = {"bootstrap_replicates": 100, **values.pop("training", {})}
        result = launch(USE_CASE, platform, {**values, "training": training})
        assert isinstance(result, ChurnResult)
        return result

    return run_pipeline


@pytest.fixture(scope="session")
def company() -> dict[str, int]:
    """How the company was simulated."""
    return COMPANY


@pytest.fixture(scope="session")
def first(run: Run) -> ChurnResult:
    """What the first run of all made."""
    return run()
