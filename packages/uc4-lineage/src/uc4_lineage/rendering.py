"""HTML made from templates; every value in it is escaped."""

from importlib.resources.abc import Traversable
from typing import Any


def rendered(template: Traversable, **values: Any) -> str:
    """Return a template with values in it, each escaped.

    Args:
        template: The file, in Jinja's language.
        values: By name; one that the template names and that is absent is an error.

    Examples:
        >>> from importlib.resources import files
        >>> page = files("uc4_lineage.page") / "templates" / "page.html.j2"
        >>> rendered(page)
        Traceback (most recent call last):
        jinja2.exceptions.UndefinedError: 'script_hash' is undefined
    """
    from jinja2 import Environment, StrictUndefined

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.from_string(template.read_text("utf-8")).render(values)
