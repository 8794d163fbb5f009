"""Bodies of requests: JSON, compressed or not, and of bounded size."""

import asyncio
import gzip
import zlib
from io import BytesIO

from starlette.exceptions import HTTPException
from starlette.requests import Request

LARGEST = 64 << 20  # bytes of a body, and of what it unpacks to
PLAIN = {"", "identity"}
PACKED = {"gzip", "x-gzip"}


async def json_body(request: Request) -> bytes:
    """Return the body of a request, unpacked.

    A page of another site cannot send JSON to this server without asking it first,
    which it never allows; it could send a form or a text, which are refused.

    Args:
        request: Whose body nobody read.

    Raises:
        HTTPException: The body is not JSON (415), too large (413) or no gzip (400).
    """
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json" and not kind.endswith("+json"):
        raise HTTPException(
            415, f"expected content of type application/json, found {kind or 'none'!r}"
        )
    encoding = request.headers.get("content-encoding", "").strip().lower()
    if encoding not in PLAIN | PACKED:
        raise HTTPException(415, f"expected gzip or no encoding, found {encoding!r}")
    body = await _read(request)
    return body if encoding in PLAIN else await asyncio.to_thread(unpacked, body)


async def _read(request: Request) -> bytes:
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > LARGEST:
        raise _too_large()
    chunks, size = [], 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > LARGEST:
            raise _too_large()
        chunks.append(chunk)
    return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def unpacked(body: bytes) -> bytes:
    """Return what a gzip file holds, or several that follow each other.

    Raises:
        HTTPException: It is none (400), or holds more than may be sent (413).

    Examples:
        >>> import gzip
        >>> unpacked(gzip.compress(b"{}"))
        b'{}'
    """
    try:
        with gzip.open(BytesIO(body)) as file:
            content = file.read(LARGEST + 1)
    except EOFError as error:
        raise HTTPException(400, "the gzip of the body ends too early") from error
    except (OSError, zlib.error) as error:
        raise HTTPException(400, f"the body is no gzip: {error}") from error
    if len(content) > LARGEST:
        raise _too_large()
    return content


def _too_large() -> HTTPException:
    return HTTPException(
        413,
        f"the body is larger than {LARGEST >> 20} MiB; send the events in smaller "
        "batches",
        {"Connection": "close"},
    )
