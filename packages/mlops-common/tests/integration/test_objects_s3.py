"""The S3 adapter over moto's server, which knows no logins and fails on demand."""

from collections.abc import Iterator

import pytest

from mlops_common.objects.base import ObjectStore
from mlops_common.objects.s3 import S3ObjectStore
from mlops_common.testing.moto import MotoServer, moto_server
from mlops_common.testing.objects import ObjectStoreContract

pytestmark = [pytest.mark.filterwarnings("ignore::DeprecationWarning")]


@pytest.fixture(scope="module")
def server() -> Iterator[MotoServer]:
    with moto_server() as running:
        yield running


class TestS3ObjectStore(ObjectStoreContract):
    @pytest.fixture
    def store(self, server: MotoServer) -> ObjectStore:
        return S3ObjectStore(server.bucket(part_size_mb=5))
