"""The Data Docs page as one file that needs no other: it opens offline.

Great Expectations fetches styles, icons and scripts from servers that would learn who
looks at the page, and without which passed and failed look alike.
"""

import re
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


def self_contained(page: str) -> str:
    """Return a page of Great Expectations with our style instead of remote files.

    Examples:
        >>> page = '<head><link href="https://cdn.example/a.css"></head>'
        >>> "cdn.example" in self_contained(page)
        False
    """
    style = (files("uc1_churn") / "templates" / "data_docs.css").read_text("utf-8")
    bare = ELSEWHERE.sub("", SCRIPT.sub("", REMOTE.sub("", page)))
    return bare.replace("</head>", f"<style>\n{style}</style>\n</head>", 1)
