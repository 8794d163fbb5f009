"""The application that answers as Marquez does."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from fastapi import FastAPI, Response

from mlops_common.lineage.store.store import LineageStore
from uc4_lineage.marquez_api.access import HEALTH, Access
from uc4_lineage.marquez_api.commits import GroupCommit
from uc4_lineage.marquez_api.errors import add_handlers
from uc4_lineage.marquez_api.queries import Queries
from uc4_lineage.marquez_api.receiving import receive_batch, receive_event
from uc4_lineage.marquez_api.routes import (
    datasets,
    declarations,
    events,
    jobs,
    lineage,
    namespaces,
    page,
    questions,
    runs,
    search,
    sources,
    tags,
    trace,
)
from uc4_lineage.reading import Cache

if TYPE_CHECKING:
    from mlops_common.bootstrap import Platform

PREFIX = "/api/v1"
ROUTES = (
    *(namespaces, sources, datasets, jobs, runs),
    *(tags, search, lineage, events, questions, trace, declarations),
)


def application(
    store: LineageStore,
    api_key: str | None = None,
    *,
    hosts: Collection[str] | None = None,
    platform: "Platform | None" = None,
) -> FastAPI:
    """Return an application that takes OpenLineage events and answers as Marquez does.

    Args:
        store: Where the events go, and what the answers come from.
        api_key: What a client must send, as `Authorization: Bearer KEY`, to read or to
            write; nothing when omitted.
        hosts: Names by which clients may call the server; any when omitted.
        platform: Has the registry of models, to trace one; `/trace` needs it.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        yield
        await app.state.commits.close()
        app.state.queries.close()

    app = FastAPI(
        title="Lineage",
        lifespan=lifespan,
        docs_url=None,  # these pages would load their scripts from elsewhere
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
    )
    app.state.store = store
    app.state.queries = Queries(store)
    app.state.commits = GroupCommit(store)
    app.state.cache = Cache()
    app.state.platform = platform
    _add_routes(app)
    add_handlers(app)
    app.add_middleware(Access, key=api_key, hosts=hosts)
    return app


def _add_routes(app: FastAPI) -> None:
    app.add_route(HEALTH, healthy, methods=["GET"])
    app.include_router(page.router)
    app.add_route(f"{PREFIX}/lineage", receive_event, methods=["POST"])
    app.add_route(f"{PREFIX}/lineage/batch", receive_batch, methods=["POST"])
    for module in ROUTES:
        app.include_router(module.router, prefix=PREFIX)


async def healthy(_: object) -> Response:
    """Answer that the server runs."""
    return Response(b'{"status":"ok"}', media_type="application/json")
