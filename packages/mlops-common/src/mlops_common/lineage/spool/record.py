r"""One record of a segment: a line that shows whether it is whole.

`<crc32 in hex> <record>\n`. A record is JSON, in which no line ends. What a crash left
of a line has the wrong sum and is skipped.
"""

import zlib
from collections.abc import Iterator

END = b"\n"
SUM = 8  # hexadecimal digits


def framed(record: bytes) -> bytes:
    r"""Return the line of a record.

    Args:
        record: Bytes without a line feed.

    Examples:
        >>> framed(b"{}")
        b'a3a6bf43 {}\n'
    """
    return b"%08x %s%s" % (zlib.crc32(record), record, END)


def unframed(line: bytes) -> bytes | None:
    """Return the record of a line without its end; none where it is not whole.

    Examples:
        >>> unframed(b"a3a6bf43 {}"), unframed(b"a3a6bf43 {")
        (b'{}', None)
    """
    total, gap, record = line[:SUM], line[SUM : SUM + 1], line[SUM + 1 :]
    whole = gap == b" " and total == b"%08x" % zlib.crc32(record)
    return record if whole else None


def lines(block: bytes) -> Iterator[bytes]:
    r"""Yield the lines of a block that end in it, each with its end.

    Examples:
        >>> list(lines(b"a\nb\nc"))
        [b'a\n', b'b\n']
    """
    start = 0
    while (stop := block.find(END, start) + 1) > 0:
        yield block[start:stop]
        start = stop
