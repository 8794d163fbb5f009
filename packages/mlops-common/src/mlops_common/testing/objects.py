"""The contract of every `ObjectStore`."""

from pathlib import Path

import pytest

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.objects.base import ObjectStore


class ObjectStoreContract:
    """Inherit, provide a `store` fixture that is empty, and the contract runs."""

    def test_an_object_holds_what_was_put(self, store: ObjectStore) -> None:
        """A value survives the round trip byte for byte."""
        store.put("a/b", b"\x00value")

        assert read(store, "a/b") == b"\x00value"

    def test_an_object_holds_what_was_uploaded(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        """A file becomes an object and stays where it is."""
        file = tmp_path / "upload"
        file.write_bytes(b"bytes of a file")
        store.upload("files/one", file)

        assert read(store, "files/one") == file.read_bytes()

    def test_the_last_write_wins(self, store: ObjectStore, tmp_path: Path) -> None:
        """Both ways of writing replace what was there."""
        file = tmp_path / "upload"
        file.write_bytes(b"newest")
        store.put("a", b"old")
        store.put("a", b"new")
        assert read(store, "a") == b"new"

        store.upload("a", file)
        assert read(store, "a") == b"newest"

    def test_an_open_object_can_be_read_in_pieces(self, store: ObjectStore) -> None:
        """Large objects are streamed."""
        store.put("a", b"abcdef")

        with store.open("a") as stream:
            assert (stream.read(2), stream.read(2), stream.read()) == (
                b"ab",
                b"cd",
                b"ef",
            )

    @pytest.mark.parametrize("key", ["missing", "folder"])
    def test_a_missing_key_is_an_error_of_ours(
        self, store: ObjectStore, key: str
    ) -> None:
        """The message names the key; a folder of keys is no object."""
        store.put("folder/a", b"")

        with pytest.raises(NotFoundError, match=f"no object '{key}'"), store.open(key):
            pass

    def test_keys_are_sorted_and_filtered(self, store: ObjectStore) -> None:
        """Only keys that start with the prefix come back, in order."""
        for key in ("b/2", "a/1", "b/1", "bc"):
            store.put(key, b"")

        assert list(store.keys("b/")) == ["b/1", "b/2"]
        assert list(store.keys("b")) == ["b/1", "b/2", "bc"]
        assert list(store.keys()) == ["a/1", "b/1", "b/2", "bc"]

    def test_an_empty_store_has_no_keys(self, store: ObjectStore) -> None:
        """Nothing needs to be made before the first write."""
        assert list(store.keys()) == []

    def test_a_deleted_object_is_gone(self, store: ObjectStore) -> None:
        """Deleting is idempotent, and touches no other key."""
        store.put("a", b"")
        store.put("ab", b"")
        store.delete("a")
        store.delete("a")

        assert list(store.keys()) == ["ab"]

    def test_writing_returns_the_uri(self, store: ObjectStore, tmp_path: Path) -> None:
        """The URI of a key is the same before and after it is stored."""
        file = tmp_path / "upload"
        file.write_bytes(b"")
        before = store.uri("a b/c")

        assert store.put("a b/c", b"") == store.upload("a b/c", file) == before

    @pytest.mark.parametrize("key", ["../outside", "/absolute", "a/../../b", "", "."])
    def test_a_key_cannot_leave_the_store(self, store: ObjectStore, key: str) -> None:
        """Keys may come from params, so they are checked."""
        with pytest.raises(ContractError, match="relative"):
            store.put(key, b"")


def read(store: ObjectStore, key: str) -> bytes:
    """Return all bytes of an object."""
    with store.open(key) as stream:
        return stream.read()
