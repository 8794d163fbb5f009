"""Params: frozen, checked values, and clear words for those that do not fit."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from mlops_common.errors import ConfigError

# Passwords in an address: `ann:s3cret@host`, `?password=s3cret`; a token, `t0ken@host`.
# Each pattern takes time in proportion to the text: it is used on whatever is said.
WORD = re.compile(r"\S+")
LOGIN = re.compile(r"://[^\s/:@]*:")
TOKEN = re.compile(r"(https?://)[^\s/:@]+@")
BEARER = re.compile(r"(?i)\b(bearer\s+)[\w.~+/=-]+")
QUERY = re.compile(r"(?i)([?&]\w*password=)[^&\s'\"]*")
# In a connection string, `password=s3cret`, where SQL may double the quotes; a
# placeholder has nothing to hide.
STRING = re.compile(
    r"(?i)(?P<key>(?:password|passwd|pwd)=)(?!%\(|%s|\$\d)"
    r"""(?:''[^']*''|'[^']*'|"[^"]*"|[^\s'"&,;)]+)"""
)
# In SQL, `PASSWORD 's3cret'`; in Python, JSON and YAML, `'token': 's3cret'`.
NAMES = "password|passwd|pwd|secret|token|credential|api_?key|access_?key"
LITERAL = re.compile(
    rf"(?i)(?P<key>(?:password\s{{1,9}}|(?:{NAMES})\w{{0,20}}[\"']?\s{{0,9}}[:=]\s{{0,9}}))"
    r"""(?P<quote>['"])[^'"]+(?P=quote)"""
)
SECRET = re.compile(rf"(?i){NAMES}")
HINT = re.compile(rf"(?i)://|bearer|{NAMES}")


class Params(BaseModel):
    """Base of settings and of every pipeline's params: frozen, closed to typos."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", protected_namespaces=(), validate_default=True
    )


ParamsT = TypeVar("ParamsT", bound=Params)


def validated(
    model: type[ParamsT],
    values: Mapping[str, Any],
    *,
    where: Mapping[str, str] | str = "",
    below: str = "",
) -> ParamsT:
    """Return `values` as a checked `model`.

    Args:
        model: What the values must fit.
        values: Nested values, as read from YAML or the command line.
        where: Origin of the values, or of each dotted key, for the message.
        below: What a message puts before each key, such as `environments.k3s.`.

    Raises:
        ConfigError: Lists each key that does not fit, with the allowed ones.

    Examples:
        >>> class Mlflow(Params):
        ...     uri: str = ""
        >>> validated(Mlflow, {"url": "x"}, where="a.yaml")
        Traceback (most recent call last):
        ...
        mlops_common.errors.ConfigError: unknown key 'url' (a.yaml); allowed: uri
    """
    try:
        return model.model_validate(values)
    except ValidationError as error:
        problems = [
            _problem(model, dict(item), where, below) for item in error.errors()
        ]
        raise ConfigError("\n".join(problems)) from None


def masked(text: str) -> str:
    """Return `text` with the passwords and tokens in it hidden.

    They are known by where they stand: in a URL, a header, a connection string, or
    after a key such as `password`.

    Who logs in to a page without a password is hidden too: that may be a token.

    Examples:
        >>> masked("tracked at https://ann:s3cret@mlflow.example/?password=s3cret")
        'tracked at https://ann:***@mlflow.example/?password=***'
        >>> masked("https://pnu_x@host/api did not take Authorization: Bearer pnu_x")
        'https://***@host/api did not take Authorization: Bearer ***'
        >>> masked("dblink('host=db password=s3cret'), OPTIONS (password 's3cret')")
        "dblink('host=db password=***'), OPTIONS (password '***')"
    """
    if not HINT.search(text):
        return text
    hidden = WORD.sub(_without_login, text) if "://" in text else text
    hidden = TOKEN.sub(r"\1***@", hidden)
    hidden = QUERY.sub(r"\1***", BEARER.sub(r"\1***", hidden))
    return LITERAL.sub(
        r"\g<key>\g<quote>***\g<quote>", STRING.sub(r"\g<key>***", hidden)
    )


def _without_login(word: re.Match[str]) -> str:
    """Return a word without what lies between the colon of a login and the last @."""
    text = word[0]
    end = text.rfind("@")
    found = LOGIN.search(text, 0, end) if end > 0 else None
    return f"{text[: found.end()]}***{text[end:]}" if found else text


def _problem(
    model: type[BaseModel],
    item: dict[str, Any],
    where: Mapping[str, str] | str,
    below: str,
) -> str:
    path = [str(part) for part in item["loc"]]
    key = below + ".".join(path)
    origin = where if isinstance(where, str) else _origin(where, key)
    place = f" ({origin})" if origin else ""
    if item["type"] == "extra_forbidden":
        allowed = ", ".join(allowed_keys(model, path[:-1]))
        return f"unknown key {key!r}{place}; allowed: {allowed}"
    if item["type"] == "missing":
        return f"key {key!r} is required{place}"
    secret = tuple(path) in keys_holding(model, SecretStr)
    found = "" if secret else f", found {masked(repr(item.get('input')))}"
    said = item["msg"].removeprefix("Value error, ")
    return f"key {key!r}{place}: {said}{found}"


def _origin(where: Mapping[str, str], key: str) -> str:
    """Return where a key comes from, or the first key below it."""
    below = (origin for name, origin in where.items() if name.startswith(f"{key}."))
    return where.get(key) or next(below, "")


def keys_holding(model: type[BaseModel], kind: type) -> list[tuple[str, ...]]:
    """Return the path of each key whose value is a `kind`, sections included.

    Examples:
        >>> class Login(Params):
        ...     password: SecretStr | None = None
        >>> class Server(Params):
        ...     login: Login | None = None
        >>> keys_holding(Server, SecretStr)
        [('login', 'password')]
    """
    found: list[tuple[str, ...]] = []
    for key, field in model.model_fields.items():
        for part in (field.annotation, *get_args(field.annotation)):
            if not isinstance(part, type):
                continue
            if issubclass(part, BaseModel):
                found += [(key, *below) for below in keys_holding(part, kind)]
            elif issubclass(part, kind):
                found.append((key,))
    return found


def allowed_keys(model: type[BaseModel], path: list[str]) -> list[str]:
    """Return the keys that `model` takes in the section at `path`."""
    section: Any = model
    for part in path:
        field = section.model_fields.get(part)
        annotation = getattr(field, "annotation", None)
        candidates = (annotation, *getattr(annotation, "__args__", ()))
        section = next(
            (c for c in candidates if isinstance(c, type) and issubclass(c, BaseModel)),
            None,
        )
        if section is None:
            return []
    return list(section.model_fields)
