"""Text that any store takes: of bounded length, and of characters that exist."""

import hashlib

LONGEST = 64_000  # characters of a text, such as a query or a stack trace
LONGEST_NAME = 1_500  # bytes of a name; a store sorts by them
LONGEST_NAMESPACE = 500  # bytes
ELLIPSIS = "…"
NUL = "\x00"  # which PostgreSQL does not store
REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    r"""Return `text` without what JSON or PostgreSQL refuses: NUL, half characters.

    Examples:
        >>> clean("a\x00b\ud800")
        'a�b�'
    """
    if text.isascii():
        return text.replace(NUL, REPLACEMENT)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return whole.replace(NUL, REPLACEMENT)


def short(text: str, longest: int = LONGEST) -> str:
    """Return the start of `text`, and how much of it was left out.

    Examples:
        >>> short("x" * 50, 40)
        'xxxxxxxxxxxxx… (37 more characters)'
    """
    if len(text) <= longest:
        return text
    room = max(longest - 27, 0)
    return f"{text[:room]}{ELLIPSIS} ({len(text) - room:,} more characters)"


def short_name(text: str, longest: int = LONGEST_NAME) -> str:
    """Return a name of at most `longest` bytes; a longer one ends with its digest.

    Examples:
        >>> short_name("orders"), short_name("o" * 40, 30)
        ('orders', 'ooooooooooo…d46c248baecc4def')
    """
    whole = clean(text)
    data = whole.encode()
    if len(data) <= longest:
        return whole
    end = f"{ELLIPSIS}{hashlib.sha256(data).hexdigest()[:16]}"
    start = data[: longest - len(end.encode())].decode("utf-8", "ignore")
    return start + end
