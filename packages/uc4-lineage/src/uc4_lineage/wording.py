"""Numbers and times in words, the same in the terminal and on a page."""

from datetime import UTC, datetime

MINUTE = 60  # seconds


def counted(number: int, thing: str) -> str:
    """Return how many there are of something.

    Examples:
        >>> counted(1, "job"), counted(1_200, "dataset")
        ('1 job', '1,200 datasets')
    """
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def lasting(seconds: float | None) -> str:
    """Return a duration; empty where there is none, or a clock ran backwards.

    Examples:
        >>> lasting(0.25), lasting(75.0), lasting(7_500.0), lasting(-1.0)
        ('0.2 s', '1 min 15 s', '2 h 5 min', '')
    """
    if seconds is None or seconds < 0:
        return ""
    if seconds < MINUTE:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s"


def to_second(at: datetime | None) -> str:
    """Return a time to the second, in ISO 8601; empty where there is none.

    Examples:
        >>> to_second(datetime(2026, 11, 27, 15, 2, 9, 5, tzinfo=UTC))
        '2026-11-27T15:02:09Z'
    """
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def to_minute(at: datetime | None) -> str:
    """Return a time to the minute, in UTC; empty where there is none.

    Examples:
        >>> to_minute(datetime(2026, 11, 27, 15, 2, 9, tzinfo=UTC))
        '2026-11-27 15:02 UTC'
    """
    return "" if at is None else f"{at.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
