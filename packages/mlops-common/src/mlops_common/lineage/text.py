"""Text that any store takes: of bounded length, and of characters that exist."""

LONGEST = 64_000  # characters of a text, such as a query or a stack trace
LONGEST_NAME = 2_000
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


def short(text: str, longest: int = LONGEST_NAME) -> str:
    """Return the start of `text`, and how much of it was left out.

    Examples:
        >>> short("x" * 50, 40)
        'xxxxxxxxxxxxx… (37 more characters)'
    """
    if len(text) <= longest:
        return text
    room = max(longest - 27, 0)
    return f"{text[:room]}{ELLIPSIS} ({len(text) - room:,} more characters)"
