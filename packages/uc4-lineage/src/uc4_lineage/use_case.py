"""What the `mlops` command knows of this package."""

from mlops_common.use_case import Command, UseCase

USE_CASE = UseCase(
    name="uc4",
    title="Lineage: what every run read and wrote, and whether all of it is known",
    flow="uc4_lineage.flows.lineage_pipeline:data_lineage_pipeline",
    params="uc4_lineage.config:LineageParams",
    commands={
        "lineage": Command(
            "uc4_lineage.commands.lineage:app",
            "Ask what was made from what, and see it.",
        ),
        "trace": Command(
            "uc4_lineage.commands.trace:app",
            "Trace a prediction or a model back to what it was made from.",
        ),
    },
)
