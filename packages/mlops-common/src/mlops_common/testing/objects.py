"""The contract of every `ObjectStore`."""

import hashlib
import io
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from mlops_common.errors import ContractError, NotFoundError
from mlops_common.objects.base import ObjectStore
from mlops_common.sections import MinioSettings

RACERS = 16
LARGE = (12 << 20) + 345  # bytes; three parts of the smallest size that S3 allows


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

    @pytest.mark.parametrize(
        "key", ["../outside", "/absolute", "a/../../b", "", ".", "a//b", "a/"]
    )
    def test_a_key_cannot_leave_the_store(self, store: ObjectStore, key: str) -> None:
        """Keys may come from params, so they are checked."""
        with pytest.raises(ContractError, match="relative"):
            store.put(key, b"")
        with pytest.raises(ContractError, match="relative"):
            store.read(key)
        with pytest.raises(ContractError, match="relative"):
            store.delete(key)

    @pytest.mark.parametrize("method", ["upload", "create"])
    def test_a_file_that_is_missing_is_an_error_of_ours(
        self, store: ObjectStore, tmp_path: Path, method: str
    ) -> None:
        """What was stored stays, and nothing half-written is left."""
        with pytest.raises(NotFoundError, match=r"no file .*/absent to store as 'a'"):
            getattr(store, method)("a", tmp_path / "absent")

        assert list(store.keys()) == []

    @pytest.mark.parametrize("size", [0, 5, LARGE])
    def test_bytes_of_any_size_come_back(
        self, store: ObjectStore, tmp_path: Path, size: int
    ) -> None:
        """By every way of reading, whatever the number of parts."""
        file, copy = a_file(tmp_path, size), tmp_path / "folder" / "copy"
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        for known in ("", digest):
            store.upload("a", file, digest=known)
            assert store.digest("a") == digest
        store.download("a", copy)

        assert copy.read_bytes() == file.read_bytes()
        assert read(store, "a") == store.read("a") == file.read_bytes()

    def test_a_part_of_an_object_can_be_read(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        """Bounds are those of a slice, over the borders of parts too."""
        file = a_file(tmp_path, LARGE)
        data = file.read_bytes()
        store.upload("a", file)

        middle = 5 << 20
        for bounds in [(0, 3), (middle - 2, middle + 2), (LARGE - 3, LARGE + 9)]:
            assert store.read("a", *bounds) == data[slice(*bounds)]
        assert store.read("a", LARGE - 3) == data[-3:]
        assert store.read("a", 3, 3) == store.read("a", LARGE + 1) == b""
        with pytest.raises(ContractError, match="counted from 0"):
            store.read("a", -1)

    def test_an_open_object_can_seek(self, store: ObjectStore) -> None:
        """A Parquet reader begins at the end."""
        store.put("a", b"abcdefgh")

        with store.open("a") as stream:
            assert stream.seek(-2, io.SEEK_END) == 6  # noqa: PLR2004 - of eight
            assert stream.read() == b"gh"
            stream.seek(1)
            assert (stream.read(2), stream.tell()) == (b"bc", 3)

    @pytest.mark.parametrize("method", ["read", "digest"])
    def test_what_is_missing_has_neither_bytes_nor_digest(
        self, store: ObjectStore, tmp_path: Path, method: str
    ) -> None:
        """And a failed download leaves no file."""
        with pytest.raises(NotFoundError, match="no object 'missing'"):
            getattr(store, method)("missing")
        with pytest.raises(NotFoundError, match="no object 'missing'"):
            store.download("missing", tmp_path / "copy")

        assert not (tmp_path / "copy").exists()

    def test_what_is_there_is_not_created_again(
        self, store: ObjectStore, tmp_path: Path
    ) -> None:
        """Neither bytes nor a file of any size replace what was first."""
        assert store.create("a", b"first")
        assert not store.create("a", b"second")
        assert not store.create("a", a_file(tmp_path, LARGE))

        assert read(store, "a") == b"first"
        assert list(store.keys()) == ["a"]

    def test_a_file_can_be_created(self, store: ObjectStore, tmp_path: Path) -> None:
        """Once."""
        file = a_file(tmp_path, LARGE)

        assert [store.create("a", file) for _ in range(2)] == [True, False]
        assert store.read("a") == file.read_bytes()

    def test_of_many_who_create_one_key_one_wins(self, store: ObjectStore) -> None:
        """The bytes are those of the one that was told so."""
        with ThreadPoolExecutor(RACERS) as pool:
            won = list(pool.map(lambda n: store.create("a", b"%d" % n), range(RACERS)))

        assert won.count(True) == 1
        assert read(store, "a") == b"%d" % won.index(True)


def a_file(folder: Path, size: int) -> Path:
    """Return a file of bytes that do not repeat themselves."""
    file = folder / f"{size}.bin"
    file.write_bytes(hashlib.shake_128(b"seed").digest(size))
    return file


def read(store: ObjectStore, key: str) -> bytes:
    """Return all bytes of an object."""
    with store.open(key) as stream:
        return stream.read()


def uploads_begun(settings: MinioSettings) -> list[str]:
    """Return the keys of uploads in parts that are neither ended nor given up."""
    from mlops_common.objects.s3.bucket import Bucket

    found = Bucket(settings).once("list_multipart_uploads")
    return [upload["Key"] for upload in found.get("Uploads", ())]
