"""The events themselves, as they came."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator

from uc4_lineage.marquez_api.parameters import Asking, Limit, Offset, shown
from uc4_lineage.marquez_api.routes.search import LowerCase

router = APIRouter()


class Direction(StrEnum):
    """In which order of time."""

    ASC = "asc"
    DESC = "desc"


STATEMENTS = {Direction.ASC: "events_oldest", Direction.DESC: "events_newest"}


def zoned(time: datetime) -> datetime:
    """Return a time in UTC; without a zone, that is meant.

    Raises:
        ValueError: In UTC it is not in the years 1 to 9999.
    """
    if time.tzinfo is None:
        return time.replace(tzinfo=UTC)
    try:
        return time.astimezone(UTC)
    except OverflowError as error:
        raise ValueError("is not in the years 1 to 9999 of UTC") from error


Sorted = Annotated[Direction, LowerCase, Query(alias="sortDirection")]
Time = Annotated[datetime, AfterValidator(zoned)]


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
