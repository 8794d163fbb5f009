"""A dataset of one's own, by a query, from a params file to the endpoint."""

import json
from pathlib import Path

import pytest
import yaml

from mlops_common.bootstrap import Platform
from mlops_common.testing.command import mlops
from uc1_churn.result import ChurnResult

QUERY = """
SELECT customer_id AS who, gender, tenure_months, support_tickets_count,
       CASE churn WHEN 1 THEN 'gone' ELSE 'stayed' END AS outcome
FROM customers WHERE observed_at = (SELECT max(observed_at) FROM customers)
"""
STEPS = (
    "Extract asked",
    "Upload",
    "Version",
    "Validate",
    "Features",
    "Train",
    "Judge",
    "Deploy asked-churn version 1",
    "Rank",
    "Write the report",
)
PARAMS = {
    "model_name": "asked-churn",
    "dataset": {
        "name": "asked",
        "query": QUERY,
        "entity": "who",
        "label": "outcome",
        "positive": "gone",
    },
    "training": {"bootstrap_replicates": 100, "trees": 100},
    "gate": {"min_roc_auc": 0.0, "max_calibration_error": 1.0, "min_profit": -1e9},
}


@pytest.mark.usefixtures("first")
def test_a_query_with_other_columns_goes_through(
    platform: Platform, company: dict[str, int], tmp_path: Path
) -> None:
    file = tmp_path / "asked.yaml"
    file.write_text(yaml.safe_dump(PARAMS), "utf-8")

    said = mlops("run", "uc1", "--params", str(file), "--json")

    assert said.code == 0, said.err
    values = json.loads(said.out)
    steps = list(values.pop("seconds"))
    assert [step for step in steps if step.startswith(STEPS)] == steps
    assert len(steps) == len(STEPS)
    assert all(f"✓ {step} " in said.err for step in steps)
    result = ChurnResult.model_validate(values)
    assert result.dataset.revision == "asked@v1"
    assert 0 < result.dataset.rows <= 2 * company["customers"]
    endpoint = platform.serving.endpoint("asked-churn")
    assert endpoint.model == result.model
    for name in ("gender", "tenure_months", "support_tickets_count", '"who"'):
        assert name in result.curl
    platform.serving.stop("asked-churn")
