"""Search for jobs and datasets by a part of their name."""

from datetime import date
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BeforeValidator

from uc4_lineage.marquez_api.parameters import Asking, Limit, Offset, Text, shown

router = APIRouter()


class Filter(StrEnum):
    """What is searched for."""

    DATASET = "DATASET"
    JOB = "JOB"


class Sort(StrEnum):
    """By what the results are ordered.

    Marquez documents `updated_at`, and takes `update_at` alone.
    """

    NAME = "name"
    UPDATED_AT = "updated_at"
    UPDATE_AT = "update_at"


AnyCase = BeforeValidator(lambda text: text.upper() if isinstance(text, str) else text)
LowerCase = BeforeValidator(
    lambda text: text.lower() if isinstance(text, str) else text
)


@router.get("/search")
def search(  # noqa: PLR0913 - as the API has it
    asking: Asking,
    q: Text,
    kind: Annotated[Filter | None, AnyCase, Query(alias="filter")] = None,
    sort: Annotated[Sort, LowerCase] = Sort.NAME,
    limit: Limit = 100,
    offset: Offset = 0,
    namespace: Text | None = None,
    before: date | None = None,
    after: date | None = None,
) -> Response:
    """List the jobs and datasets whose name holds `q`; `%` and `_` stand for others."""
    what = {"q": q, "filter": kind, "namespace": namespace}
    page = {"sort": sort, "limit": limit, "offset": offset}
    return shown(asking.json("search", **what, **page, before=before, after=after), "")
