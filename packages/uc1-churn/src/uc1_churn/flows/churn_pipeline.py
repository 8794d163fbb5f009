"""UC1: from a customers table to a served, explained churn model.

Run it with `mlops run uc1`, with `python -m uc1_churn.flows.churn_pipeline`, which
takes the same options, or as a Prefect deployment.
"""

import sys

from mlops_common.config import load
from mlops_common.orchestration.flows import flow, name_run
from mlops_common.params import validated
from uc1_churn import gate
from uc1_churn.config import ChurnParams
from uc1_churn.result import ChurnResult
from uc1_churn.tasks.data_ingestion import extract_from_postgres, upload_to_minio
from uc1_churn.tasks.data_validation import validate_with_great_expectations
from uc1_churn.tasks.data_versioning import version_with_dvc
from uc1_churn.tasks.feature_engineering import materialize_feast_features
from uc1_churn.tasks.model_serving import deploy_to_kserve, write_target_list
from uc1_churn.tasks.model_training import (
    find_champion,
    judge_challenger,
    trigger_kubeflow_training,
)
from uc1_churn.tasks.reporting import report_deployment, report_refusal


@flow("UC1: Churn Prediction Pipeline")
def churn_prediction_pipeline(
    params: ChurnParams | None = None, skip_training: bool = False
) -> ChurnResult:
    """Extract, version, validate, derive, train, judge, deploy and explain.

    Args:
        params: Read from section `uc1` of `config.yaml` when omitted.
        skip_training: Refresh the features and serve the champion as it is.

    Raises:
        ContractError: The data broke their contract, or cannot be learnt from.
        RefusedError: The gate refused the new model, or the endpoint answers
            otherwise than the model does offline; what served before serves on.
        NotFoundError: A table or column, or the champion to serve, does not exist.
        BackendError: A system failed, also when tried again.
    """
    params = params or validated(ChurnParams, load().settings.uc1, where="section uc1")
    staged = extract_from_postgres(params.dataset)
    raw = version_with_dvc(upload_to_minio(staged, params.raw_data_path))
    valid = validate_with_great_expectations(raw, params.dataset, params.contract)
    features = materialize_feast_features(raw, params.dataset)
    decision = None
    if skip_training:
        model = find_champion(params)
        name_run(f"{model.name} v{model.version} · data {valid.as_of}")
    else:
        model = trigger_kubeflow_training(features, params)
        name_run(f"{model.name} v{model.version} · data {valid.as_of}")
        decision = judge_challenger(model, features, params)
        if not decision.passed:
            page = report_refusal(valid, model, decision, params)
            gate.enforce(decision, page)
    endpoint = deploy_to_kserve(model, features, params, decision=decision)
    targets = write_target_list(model, features, params)
    return report_deployment(valid, features, endpoint, decision, targets, params)


if __name__ == "__main__":
    from mlops_common.cli import main

    main(["run", "uc1", *sys.argv[1:]])
