"""The tasks of the pipeline, for tests that interrupt it between two of them."""

# Every task of a run that trains but the last, in their order.
TASKS = (
    "extract_from_postgres",
    "upload_to_minio",
    "version_with_dvc",
    "validate_with_great_expectations",
    "materialize_feast_features",
    "trigger_kubeflow_training",
    "judge_challenger",
    "deploy_to_kserve",
    "write_target_list",
)
