"""What went wrong at an S3 server: whether to try again, and what to tell a person."""

from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    HTTPClientError,
    IncompleteReadError,
    NoCredentialsError,
    PartialCredentialsError,
    SSLError,
)
from botocore.exceptions import ConnectionError as UnreachableError
from botocore.parsers import ResponseParserError
from urllib3.exceptions import HTTPError

from mlops_common.errors import (
    BackendError,
    ConfigError,
    MlopsError,
    NotFoundError,
)

# All that a request, or the body of its answer, may end with.
ERRORS = (ClientError, BotoCoreError, ResponseParserError, HTTPError, ConnectionError)
BROKEN = (
    UnreachableError,
    HTTPClientError,
    IncompleteReadError,
    ResponseParserError,
    HTTPError,
    ConnectionError,
)
SERVER_ERROR, FULL, TOO_MANY = 500, 507, 429
NO_SUCH_OBJECT = frozenset({"NoSuchKey", "NoSuchVersion", "404"})
NO_SUCH_UPLOAD = "NoSuchUpload"
TAKEN = frozenset({"PreconditionFailed", "412"})
FULL_CODES = frozenset(
    {"QuotaExceeded", "XMinioStorageFull", "InsufficientStorage", "507"}
)
WRONG_KEYS = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "ExpiredToken",
        "AuthorizationHeaderMalformed",
    }
)
# Statuses below 500 that pass: a slow line, a racing write, bytes damaged on the way.
PASSING = frozenset(
    {
        "RequestTimeout",
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ConditionalRequestConflict",
        "OperationAborted",
        "BadDigest",
        "IncompleteBody",
        "XAmzContentSHA256Mismatch",
    }
)


def code(error: BaseException) -> str:
    """Return the S3 code of an error, such as `NoSuchKey`; empty where it has none."""
    if not isinstance(error, ClientError):
        return ""
    return str(error.response.get("Error", {}).get("Code", ""))


def transient(error: Exception) -> bool:
    """Whether the same request may succeed a little later."""
    if isinstance(error, ClientError):
        status = _metadata(error).get("HTTPStatusCode", 0)
        if code(error) in PASSING:
            return True
        if code(error) in FULL_CODES or status == FULL:
            return False
        return bool(status == TOO_MANY or status >= SERVER_ERROR)
    if isinstance(error, SSLError):
        return "CERTIFICATE_VERIFY_FAILED" not in str(error)
    return isinstance(error, BROKEN)


def explained(
    error: Exception, *, action: str, key: str, bucket: str, endpoint: str
) -> MlopsError:
    """Return our error for one of the client's.

    Args:
        error: One of `ERRORS`.
        action: What was being done: `write object 'a'`.
        key: The object's key; empty where there is none.
        bucket: Its bucket.
        endpoint: URL of the server, for people.
    """
    found, where = code(error), f"the object store at {endpoint}"
    if found == "NoSuchBucket":
        return ConfigError(
            f"{where} has no bucket {bucket!r}; create it, or set minio.bucket"
        )
    if found in NO_SUCH_OBJECT and key:
        return NotFoundError(f"no object {key!r} in bucket {bucket!r} of {where}")
    if isinstance(error, ClientError):
        return _answered(error, found, f"{where} does not let us {action}")
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return ConfigError(
            f"no keys to {action} in {where}; set minio.access_key_file and "
            "minio.secret_key_file, or MLOPS_MINIO__ACCESS_KEY and "
            "MLOPS_MINIO__SECRET_KEY"
        )
    if isinstance(error, SSLError) and not transient(error):
        return ConfigError(
            f"{where} has a certificate that is not trusted; name the certificates "
            "that sign it (minio.ca_file)"
        )
    reason = getattr(error, "kwargs", {}).get("error") or error
    return BackendError(
        f"{where} cannot be reached to {action}: {reason}; check that it runs and "
        "that minio.endpoint is right"
    )


def _answered(error: ClientError, found: str, refusal: str) -> MlopsError:
    if found == "RequestTimeTooSkewed":
        return ConfigError(
            f"{refusal}: the clock of this machine {_skew(error)}; set the clocks "
            "of both by NTP"
        )
    status = _metadata(error).get("HTTPStatusCode", 0)
    if found in FULL_CODES or status == FULL:
        return BackendError(
            f"{refusal}: it is full ({found or status}); free some space or raise the "
            "quota of the bucket or of its owner"
        )
    if found in WRONG_KEYS:
        return ConfigError(
            f"{refusal}: it does not accept the keys ({found}); check minio.access_key "
            "and minio.secret_key, or their files"
        )
    if found in {"AccessDenied", "403"}:
        return ConfigError(
            f"{refusal}: the owner of the keys may not ({found}); grant that access, "
            "or use other keys"
        )
    if found in TAKEN:
        return BackendError(
            f"{refusal}: the object was replaced meanwhile; do it again"
        )
    said = error.response.get("Error", {}).get("Message") or f"status {status}"
    return BackendError(f"{refusal}: {said} ({found or 'no code'})")


def _skew(error: ClientError) -> str:
    """Return how far the clocks are apart, by the date of the answer."""
    try:
        date = _metadata(error)["HTTPHeaders"]["date"]
        seconds = (datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds()
    except (KeyError, TypeError, ValueError):
        return "differs from the server's"
    side = "ahead of" if seconds > 0 else "behind"
    return f"is {abs(seconds):,.0f} s {side} the server's"


def _metadata(error: ClientError) -> dict[str, Any]:
    return dict(error.response.get("ResponseMetadata", {}))
