"""Passwords in whatever text: hidden, at a cost in proportion to the text."""

import json
import subprocess
import sys

import pytest

from mlops_common.params import masked


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("http://ann:hun/t@er2@h:80/a ok", "http://ann:***@h:80/a ok"),
        ("://:s3cret@h", "://:***@h"),
        ("see http://h:80/a and a@b", "see http://h:80/a and a@b"),
        ("host=h password=s3cret port=1", "host=h password=*** port=1"),
        ("dblink('password=''s3 cret'' user=u')", "dblink('password=*** user=u')"),
        ("ALTER ROLE a PASSWORD 's3cret'", "ALTER ROLE a PASSWORD '***'"),
        ("OPTIONS (user 'a', password 's3cret')", "OPTIONS (user 'a', password '***')"),
        ("{'api_key': 's3cret', 'a': 'b'}", "{'api_key': '***', 'a': 'b'}"),
        ('{"db_token_id": "s3cret"}', '{"db_token_id": "***"}'),
        ("client_secret = 's3cret'", "client_secret = '***'"),
        ("WHERE password=%(password)s", "WHERE password=%(password)s"),
        ("WHERE u.password = v.password", "WHERE u.password = v.password"),
        ("max_tokens=500, token: none", "max_tokens=500, token: none"),
    ],
)
def test_what_stands_where_passwords_stand_is_hidden(text: str, shown: str) -> None:
    assert masked(text) == shown
    assert masked(shown) == shown


LONG = [
    json.dumps([f"http://h{i}:80/p" for i in range(50_000)], separators=(",", ":")),
    "://:" * 250_000,
    "http://" * 200_000,
    "token" * 200_000,
    "password '" * 100_000,
    "password=''" * 100_000,
    "password=" * 100_000,
    "password" + " " * 1_000_000,
    "bearer " * 150_000,
    "?" + "a" * 1_000_000,
    "?passw" * 150_000,
]


@pytest.mark.parametrize("text", LONG, ids=range(len(LONG)))
def test_a_megabyte_of_anything_is_masked_before_patience_ends(text: str) -> None:
    """Where it took the square of that, it would take hours."""
    program = "import sys; from mlops_common.params import masked as m"
    subprocess.run(
        [sys.executable, "-c", f"{program}; m(sys.stdin.read())"],
        input=text,
        text=True,
        check=True,
        timeout=60,
    )
