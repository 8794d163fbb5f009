"""The connection to one bucket: who we are, and requests that are tried again."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import boto3
from botocore.config import Config

from mlops_common.errors import ConfigError
from mlops_common.objects.s3.errors import ERRORS, explained
from mlops_common.objects.s3.retries import Retries
from mlops_common.objects.sharing import addressing
from mlops_common.sections import MinioSettings

CONNECT_TIMEOUT, READ_TIMEOUT = 10, 60  # seconds
# As in `sharing.CHECKSUMS`, for this client.
WHEN_REQUIRED = "when_required"


class Bucket:
    """One bucket, contacted at the first request.

    Attributes:
        name: Of the bucket.
        endpoint: URL of the server, for people.
        settings: How to reach it.
        retries: How requests are tried again.
    """

    def __init__(self, settings: MinioSettings) -> None:
        self.settings = settings
        self.retries = Retries(settings.retries)
        self.name = settings.bucket_name
        self.endpoint = settings.endpoint or f"AWS ({settings.region})"

    @cached_property
    def client(self) -> Any:
        """The client of the S3 API; any number of threads may use it."""
        settings = self.settings
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": addressing(settings)},
            # Requests are tried again in one place, which also resumes downloads.
            retries={"total_max_attempts": 1, "mode": "standard"},
            request_checksum_calculation=WHEN_REQUIRED,
            response_checksum_validation=WHEN_REQUIRED,
            connect_timeout=CONNECT_TIMEOUT,
            read_timeout=READ_TIMEOUT,
            max_pool_connections=settings.parallel_parts + 10,
            tcp_keepalive=True,
        )
        try:
            return boto3.session.Session().client(
                "s3",
                endpoint_url=settings.endpoint,
                region_name=settings.region,
                aws_access_key_id=settings.secret("access_key"),
                aws_secret_access_key=settings.secret("secret_key"),
                verify=None if settings.ca_file is None else str(settings.ca_file),
                config=config,
            )
        except ValueError as error:
            raise ConfigError(
                f"minio.endpoint {settings.endpoint!r} is no URL of an object store: "
                f"{error}; expected one such as http://minio:9000"
            ) from error

    def ask(self, operation: str, action: str, **arguments: Any) -> dict[str, Any]:
        """Make a request until the server answers.

        Args:
            operation: Of the client, such as `head_object`.
            action: What that is for, for the log.
            arguments: Of the operation, beside the bucket.

        Raises:
            botocore.exceptions.ClientError: The server refused it.
            botocore.exceptions.BotoCoreError: It could not be reached, in all tries.
        """
        return self.retries.call(action, lambda: self.once(operation, **arguments))

    def once(self, operation: str, **arguments: Any) -> dict[str, Any]:
        """Make a request one time."""
        request = getattr(self.client, operation)
        answer: dict[str, Any] = request(Bucket=self.name, **arguments)
        return answer

    @contextmanager
    def translated(self, action: str, key: str = "") -> Iterator[None]:
        """Turn the client's errors into ours."""
        try:
            yield
        except ERRORS as error:
            raise explained(
                error,
                action=action,
                key=key,
                bucket=self.name,
                endpoint=self.endpoint,
            ) from error
