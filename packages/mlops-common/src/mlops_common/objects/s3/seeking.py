"""Files of a known size that seek: what an object and a part of a file share."""

import io


class Sized(io.RawIOBase):
    """A file for reading that knows its size, and where in it the next read begins.

    Args:
        size: Bytes.

    Examples:
        >>> file = Sized(10)
        >>> file.seek(-3, io.SEEK_END), file.tell(), file.seek(-9, io.SEEK_CUR)
        (7, 7, 0)
    """

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = size
        self._position = 0

    def readable(self) -> bool:
        """Say that it can be read."""
        return True

    def seekable(self) -> bool:
        """Say that it can seek."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._position

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move, to the start at most; return the new position."""
        origin = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self.size}
        self._position = max(0, origin[whence] + offset)
        return self._position
