"""The params of UC4: what its flow computes, never where things are."""

from typing import Annotated

from pydantic import Field

from mlops_common.params import Params


class LineageParams(Params):
    """What an audit of the lineage looks at.

    Attributes:
        hours: Length of the period that ends now, in hours.
        stale_days: Days without a new version after which a dataset counts as stale.
    """

    hours: Annotated[float, Field(gt=0)] = 24.0
    stale_days: Annotated[float, Field(gt=0)] = 7.0
