"""Sources, where the datasets lie physically."""

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from uc4_lineage.marquez_api.parameters import Asking, Limit, Name, Offset, Text, shown

router = APIRouter()


class CreatedSource(BaseModel):
    """What may be told of a source."""

    type: Text = Field(max_length=64)
    connectionUrl: Text = Field(max_length=4096)  # noqa: N815 - as the API calls it
    description: Text | None = None


@router.get("/sources")
def sources(asking: Asking, limit: Limit = 100, offset: Offset = 0) -> Response:
    """List all sources by name."""
    return shown(asking.json("sources", limit=limit, offset=offset), "")


@router.get("/sources/{source}")
def source(asking: Asking, source: Name) -> Response:
    """Show a source."""
    return shown(asking.json("source", source=source), f"Source '{source}' not found.")


@router.put("/sources/{source}")
def put_source(asking: Asking, source: Name, told: CreatedSource) -> Response:
    """Create a source, or change it; events that tell of it do so too."""
    values = {"type": told.type.upper(), "url": told.connectionUrl}
    asking.change("put_source", source=source, description=told.description, **values)
    return shown(asking.json("source", source=source), source)
