"""Params of the lineage audit: what it looks at, never where things are."""

from typing import Annotated

from pydantic import Field

from mlops_common.params import Params


class LineageParams(Params):
    """All parameters of one run of the lineage pipeline."""

    hours: Annotated[float, Field(gt=0)] = Field(
        24.0, description="Length of the period that ends now, in hours."
    )
    stale_days: Annotated[float, Field(gt=0)] = Field(
        7.0, description="Days without a write after which a dataset is stale."
    )
    patience: Annotated[float, Field(gt=0)] = Field(
        60.0, description="Seconds for what waits on disk to be sent."
    )
