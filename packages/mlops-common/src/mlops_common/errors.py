"""Errors a caller may want to catch, split by what the caller can do.

MlopsError
├── ConfigError     the settings do not fit together            fix the file
├── NotFoundError   a key, version, table or deployment is absent
├── ContractError   data or a model broke a promise             do not retry
├── RefusedError    a gate or a policy said no                  do not retry
└── BackendError    an external system failed                   retry may help

A message says what was expected, what was found, where, and what to do.
"""

from collections.abc import Mapping
from typing import Any, ClassVar


class MlopsError(Exception):
    """Base of every error this workspace raises on purpose.

    Attributes:
        exit_code: What the `mlops` command exits with when this error ends it.
    """

    exit_code: ClassVar[int] = 1


class ConfigError(MlopsError):
    """The settings or the command line do not fit together: fix them."""

    exit_code = 2


class NotFoundError(MlopsError, LookupError):
    """A key, version, table or deployment does not exist."""

    exit_code = 2


class ContractError(MlopsError, ValueError):
    """Data or a model broke a promise; retrying cannot help."""

    exit_code = 3


class RefusedError(MlopsError):
    """A gate or a policy said no; retrying cannot help.

    Attributes:
        evidence: The numbers behind the decision, by name.

    Examples:
        >>> error = RefusedError("the challenger is worse", {"auc": 0.71})
        >>> error.evidence["auc"]
        0.71
    """

    exit_code = 4

    def __init__(self, message: str, evidence: Mapping[str, Any] | None = None) -> None:
        super().__init__(message, dict(evidence or {}))
        self.message = message
        self.evidence = dict(evidence or {})

    def __str__(self) -> str:
        return self.message


class BackendError(MlopsError):
    """An external system failed; retrying may help."""

    exit_code = 5
