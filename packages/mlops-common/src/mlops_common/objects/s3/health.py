"""How a bucket is."""

from secrets import token_hex

from mlops_common.health import Health, found
from mlops_common.objects.base import ObjectStore
from mlops_common.objects.s3.bucket import Bucket

ENABLED = "Enabled"


def examine(store: ObjectStore, bucket: Bucket) -> Health:
    """Tell whether the bucket can be read and written, and what it guarantees.

    An object of a few bytes is written for that, and deleted.

    Args:
        store: Its objects.
        bucket: The bucket itself.

    Raises:
        ConfigError: The bucket does not exist, or the keys may not use it.
        BackendError: The store cannot be reached, or is full.
    """
    exclusive = _exclusive(store)
    with bucket.translated("read the versioning of the bucket"):
        versioning = bucket.once("get_bucket_versioning").get("Status", "off")
    facts, remedies = [f"versioning {versioning.lower()}"], []
    if versioning != ENABLED:
        remedies.append(
            f"bucket {bucket.name!r} keeps no versions: what somebody deletes is gone; "
            f"enable them, as with `mc version enable ALIAS/{bucket.name}`"
        )
    if exclusive:
        facts.append("conditional writes")
    else:
        remedies.append(
            "the server ignores If-None-Match, so that two writers of one key may both "
            "win; update it"
        )
    where = f"{bucket.endpoint}/{bucket.name}"
    return found(where, facts=tuple(facts), remedies=tuple(remedies))


def _exclusive(store: ObjectStore) -> bool:
    """Tell whether a second writer of a key loses; checks reading and writing too."""
    key = f"doctor/{token_hex(8)}"
    store.put(key, b"first")
    try:
        store.read(key)
        return not store.create(key, b"second")
    finally:
        store.delete(key)
