"""What several files check with."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from uc1_churn.testing.kubeflow_double import KubeflowDouble
    from uc1_churn.testing.kubeflow_training import Script
    from uc1_churn.testing.validation import Check


@pytest.fixture
def check(tmp_path: Path) -> "Check":
    """Validates a table against the demo contract."""
    from uc1_churn.testing.validation import Check

    return Check(tmp_path)


@pytest.fixture
def script(tmp_path: Path) -> "Script":
    """A workload that waits for the test."""
    from uc1_churn.testing.kubeflow_training import Script

    return Script(tmp_path)


@pytest.fixture
def double(script: "Script") -> "Iterator[KubeflowDouble]":
    """A Kubeflow server that runs `script`."""
    from uc1_churn.testing.kubeflow_double import KubeflowDouble
    from uc1_churn.testing.kubeflow_training import TOKEN

    with KubeflowDouble(script, token=TOKEN) as running:
        yield running
