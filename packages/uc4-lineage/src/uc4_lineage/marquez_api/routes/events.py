"""The events themselves, as they came."""

from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response

from uc4_lineage.marquez_api.parameters import Asking, Limit, Offset, Time, shown
from uc4_lineage.marquez_api.routes.search import LowerCase

router = APIRouter()


class Direction(StrEnum):
    """In which order of time."""

    ASC = "asc"
    DESC = "desc"


STATEMENTS = {Direction.ASC: "events_oldest", Direction.DESC: "events_newest"}


Sorted = Annotated[Direction, LowerCase, Query(alias="sortDirection")]


@router.get("/events/lineage")
def events(
    asking: Asking,
    before: Time | None = None,
    after: Time | None = None,
    sort: Sorted = Direction.DESC,
    limit: Limit = 100,
    offset: Offset = 0,
) -> Response:
    """List the events from `after` until before `before`."""
    period = {"before": before, "after": after}
    found = asking.json(STATEMENTS[sort], **period, limit=limit, offset=offset)
    return shown(found, "")
