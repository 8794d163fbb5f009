"""The Data Docs page as one file that needs no other: it opens offline.

Great Expectations fetches styles, icons and scripts from servers that would learn who
looks at the page, and without which passed and failed look alike.
"""

import re
from html import escape
from importlib.resources import files

REMOTE = re.compile(
    r"<img[^>]*https?://[^>]*>"
    r"|<link[^>]*(?:https?://|favicon)[^>]*>"
    r"|<script[^>]*src=[^>]*>\s*</script>"
    r"|<footer>.*?</footer>"
    r"|url\(['\"]?https?://[^)]*\)",
    re.DOTALL,
)
# Scripts that need those libraries, and links to pages that are not kept.
SCRIPT = re.compile(r"<script\b.*?</script>", re.DOTALL)
ELSEWHERE = re.compile(r'\shref="\.\./[^"]*"')
# What is said of every table alike: it comes as a batch without a name.
EMPTY = "<br> Data asset: None<br>"
TITLES = re.compile(r"<title>.*?</title>", re.DOTALL)


def self_contained(page: str, title: str) -> str:
    """Return a page of Great Expectations with our style instead of remote files.

    Examples:
        >>> page = '<head><link href="https://cdn.example/a.css"></head>'
        >>> "cdn.example" in self_contained(page, "customers")
        False
    """
    style = (files("uc1_churn.validation") / "data_docs.css").read_text("utf-8")
    bare = ELSEWHERE.sub("", SCRIPT.sub("", REMOTE.sub("", page)))
    head = f"<title>{escape(title)}</title>\n<style>\n{style}</style>\n</head>"
    named = TITLES.sub("", bare).replace(EMPTY, "<br>")
    return named.replace("</head>", head, 1)
