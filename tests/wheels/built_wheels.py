"""A package's wheel: built from the checkout, opened, asked what it says."""

import subprocess
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

from packaging.metadata import Metadata
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
PACKAGES = tuple(sorted(path.parent.name for path in ROOT.glob("packages/*/src")))


@dataclass(frozen=True)
class Wheel:
    """A built wheel, and the package folder that it was built from."""

    path: Path
    source: Path

    @property
    def files(self) -> dict[str, bytes]:
        """What it holds, without its own `.dist-info`."""
        with zipfile.ZipFile(self.path) as archive:
            names = [name for name in archive.namelist() if not name.endswith("/")]
            own = [name for name in names if ".dist-info/" not in name]
            return {name: archive.read(name) for name in own}

    @property
    def metadata(self) -> Metadata:
        """What it says of itself."""
        return Metadata.from_email(self._read("METADATA"))

    @property
    def requirements(self) -> tuple[Requirement, ...]:
        """What it asks for, its extras' too."""
        return tuple(Requirement(str(r)) for r in self.metadata.requires_dist or ())

    @property
    def entry_points(self) -> str:
        """Its entry points, in the INI format of the standard."""
        return self._read("entry_points.txt").decode()

    @property
    def project(self) -> dict[str, object]:
        """The `[project]` table that it was built from."""
        text = (self.source / "pyproject.toml").read_text("utf-8")
        project: dict[str, object] = tomllib.loads(text)["project"]
        return project

    def _read(self, name: str) -> bytes:
        with zipfile.ZipFile(self.path) as archive:
            (found,) = (n for n in archive.namelist() if n.endswith(f"-info/{name}"))
            return archive.read(found)


def found(package: str, folder: Path) -> Wheel | None:
    """Return the wheel of a package that a folder holds, if it holds one."""
    name = package.replace("-", "_")
    paths = [*folder.glob(f"{name}-*.whl")]
    if not paths:
        return None
    (path,) = paths
    return Wheel(path, ROOT / "packages" / package)


def build(package: str, folder: Path) -> Wheel:
    """Build one package's wheel into an empty folder."""
    command = ("uv", "build", "--quiet", "--wheel", "--out-dir", str(folder))
    subprocess.run((*command, "--package", package), cwd=ROOT, check=True)
    (path,) = folder.glob("*.whl")
    return Wheel(path, ROOT / "packages" / package)
