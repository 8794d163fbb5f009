"""What the `mlops` command knows of this package."""

from mlops_common.use_case import UseCase

USE_CASE = UseCase(
    name="uc1",
    title="Churn: from a customers table to a served, explained model",
    flow="uc1_churn.flows.churn_pipeline:churn_prediction_pipeline",
    params="uc1_churn.config:ChurnParams",
    presets="uc1_churn.presets",
    probes={
        "Feast": "uc1_churn.health:feast",
        "Kubeflow Pipelines": "uc1_churn.health:kubeflow",
    },
)
