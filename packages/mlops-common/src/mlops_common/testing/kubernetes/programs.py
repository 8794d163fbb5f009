"""The programs of a control plane, in the layout of `$KUBEBUILDER_ASSETS`."""

import lzma
import os
import re
import shutil
import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest

from mlops_common.testing.shared import shared

VARIABLE = "KUBEBUILDER_ASSETS"
NAMES = ("etcd", "kube-apiserver", "apiextensions-apiserver")
# Since this minor version the server itself checks CEL rules and unknown fields.
MODERN = 29


@dataclass(frozen=True, slots=True)
class Programs:
    """Where the programs are.

    Attributes:
        folder: Holds `etcd` and `kube-apiserver`.
        aggregated: Whether the server is so old that custom resources are left to
            `apiextensions-apiserver`, which is then there too.
    """

    folder: Path
    aggregated: bool

    def path(self, name: str) -> str:
        """Return the path of a program."""
        return str(self.folder / name)


def programs(folder: Path) -> Programs:
    """Return the programs of `$KUBEBUILDER_ASSETS`, else of the shared files.

    The test is skipped where there are none.

    Args:
        folder: Where those that are packed are unpacked.
    """
    named = os.environ.get(VARIABLE)
    if named:
        source = Path(named)
    else:
        source = folder
        _unpack(shared("kube"), folder)
    absent = [name for name in NAMES[:2] if not (source / name).is_file()]
    if absent:
        pytest.skip(f"no {absent[0]} in {source}; fill it by `setup-envtest use`")
    if not shutil.which("openssl"):
        pytest.skip("the API server's certificates need openssl")
    aggregated = _minor(source / "kube-apiserver") < MODERN
    if aggregated and not (source / NAMES[2]).is_file():
        pytest.skip(f"the API server in {source} is older than 1.{MODERN}")
    return Programs(source, aggregated)


def _unpack(packed: Path, folder: Path) -> None:
    folder.mkdir()
    archives = [packed / f"{name}.xz" for name in NAMES]
    with ThreadPoolExecutor() as pool:
        found = (archive for archive in archives if archive.exists())
        list(pool.map(lambda archive: _unpack_one(archive, folder), found))


def _unpack_one(archive: Path, folder: Path) -> None:
    target = folder / archive.stem
    with lzma.open(archive) as source, target.open("wb") as sink:
        shutil.copyfileobj(source, sink, 1 << 20)
    target.chmod(0o755)


def _minor(server: Path) -> int:
    """Return the minor version of an API server."""
    told = subprocess.run(
        [str(server), "--version"], check=True, capture_output=True, text=True
    ).stdout
    found = re.search(r"v1\.(\d+)\.", told)
    return int(found[1]) if found else MODERN
