"""Copying an object to a file: along one connection, or several where that is slow."""

import hashlib
import mmap
import time
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlops_common.objects.s3.bucket import Bucket
from mlops_common.objects.s3.reading import Stored, blocks
from mlops_common.progress import Advance

# Bytes a second of a connection beside which others gain nothing. A distant server
# brings less; near ones bring more than a gigabit network, and there one thread that
# writes and hashes is faster than several that wait for each other.
FAST = 128 << 20


@dataclass(frozen=True, slots=True)
class Download:
    """One copy in the making.

    Attributes:
        bucket: Where from.
        found: The version to copy.
        target: The file.
        advance: Told of the bytes that came.
        digest: SHA-256 of the bytes so far, from the first one.
    """

    bucket: Bucket
    found: Stored
    target: Path
    advance: Advance
    digest: Any

    @property
    def part(self) -> int:
        """Bytes of a part."""
        return self.bucket.settings.part_size_mb << 20


def fetch(bucket: Bucket, found: Stored, target: Path, advance: Advance) -> str:
    """Copy an object to a file; return its SHA-256.

    It comes along one connection, hashed as it comes. Where the first part took long,
    as it does from afar, the rest comes in parts, several at once.
    """
    copy = Download(bucket, found, target, advance, hashlib.sha256())
    done = _in_order(copy)
    if done < found.size:
        _in_parts(copy, done)
    return str(copy.digest.hexdigest())


def _in_order(copy: Download) -> int:
    """Copy from the start to the end, or the first part only where that is slow.

    Returns:
        How many bytes were copied.
    """
    done, undecided = 0, True
    latest = time.monotonic() + copy.part / FAST
    with (
        copy.target.open("wb") as file,
        closing(blocks(copy.bucket, copy.found, 0, copy.found.size)) as coming,
    ):
        for block in coming:
            file.write(block)
            copy.digest.update(block)
            copy.advance(len(block))
            done += len(block)
            if undecided and done >= copy.part:
                if time.monotonic() > latest:
                    break
                undecided = False
    return done


def _in_parts(copy: Download, begin: int) -> None:
    """Copy the rest, several parts at once."""
    starts = range(begin, copy.found.size, copy.part)
    with ThreadPoolExecutor(copy.bucket.settings.parallel_parts) as pool:
        parts = [pool.submit(_copy_part, copy, start) for start in starts]
        try:
            _hash_parts(copy, starts, parts)
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _copy_part(copy: Download, start: int) -> int:
    """Copy a part to its place; return where it ends."""
    stop = min(start + copy.part, copy.found.size)
    with copy.target.open("rb+") as file:
        file.seek(start)
        for block in blocks(copy.bucket, copy.found, start, stop):
            file.write(block)
            copy.advance(len(block))
    return stop


def _hash_parts(copy: Download, starts: range, parts: list[Future[int]]) -> None:
    """Hash the parts in order, while later ones still come."""
    for start, part in zip(starts, parts, strict=True):
        stop = part.result()
        with (
            copy.target.open("rb") as file,
            mmap.mmap(file.fileno(), stop, access=mmap.ACCESS_READ) as mapped,
            memoryview(mapped) as view,
            view[start:] as piece,
        ):
            copy.digest.update(piece)
