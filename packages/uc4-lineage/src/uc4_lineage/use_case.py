"""What the `mlops` command knows of this package."""

from mlops_common.use_case import UseCase

USE_CASE = UseCase(
    name="uc4",
    title="Lineage: what every run read and wrote, and whether all of it is known",
    flow="uc4_lineage.flows.lineage_pipeline:data_lineage_pipeline",
    params="uc4_lineage.config:LineageParams",
)
