"""What the `mlops` command knows of it."""

from mlops_common.use_case import UseCase

USE_CASE = UseCase(
    name="uc9",
    title="Reaction",
    flow="uc9_reaction.flow:react",
    params="mlops_common.params:Params",
)
