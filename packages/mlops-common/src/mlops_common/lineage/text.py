"""Text that any store takes: of bounded length, and of characters that exist."""

import hashlib

from mlops_common.params import masked

LONGEST = 64_000  # characters of a text, such as a query or a stack trace
MARGIN = 2_000  # characters of a longer text that are looked at for passwords
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


def shown(text: str) -> str:
    """Return `text` as it may be told: short, clean, and with passwords hidden.

    Examples:
        >>> shown("no answer from http://ann:s3cret@db")
        'no answer from http://ann:***@db'
    """
    # What is cut off must not be what tells a password from other text.
    start = masked(clean(text[: LONGEST + MARGIN]))
    return short(start, more=max(len(text) - LONGEST - MARGIN, 0))


def short(text: str, longest: int = LONGEST, *, more: int = 0) -> str:
    """Return the start of `text`, and how much of it was left out.

    Args:
        text: The text, or its start.
        longest: Characters that may be returned.
        more: Characters that follow `text`.

    Examples:
        >>> short("x" * 50, 40)
        'xxxxxxxxxxxxx… (37 more characters)'
    """
    if len(text) <= longest and not more:
        return text
    room = min(max(longest - 27, 0), len(text))
    return f"{text[:room]}{ELLIPSIS} ({len(text) - room + more:,} more characters)"


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
