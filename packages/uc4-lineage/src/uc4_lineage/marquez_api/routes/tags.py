"""Tags, which people put on datasets, fields and jobs."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from uc4_lineage.marquez_api.parameters import Asking, Limit, Name, Offset, Text, shown

router = APIRouter()


class CreatedTag(BaseModel):
    """What may be told of a tag."""

    description: Text | None = None


@router.get("/tags")
def tags(asking: Asking, limit: Limit = 100, offset: Offset = 0) -> Response:
    """List all tags by name."""
    return shown(asking.json("tags", limit=limit, offset=offset), "")


@router.put("/tags/{tag}")
def put_tag(asking: Asking, tag: Name, told: CreatedTag) -> Response:
    """Create a tag, or change its description; Marquez writes it in capitals."""
    asking.change("put_tag", tag=tag.upper(), description=told.description)
    return shown(asking.json("tag", tag=tag.upper()), tag)
