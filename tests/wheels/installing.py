"""An environment that pip fills from wheels, away from the checkout and its lock."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from built_wheels import Wheel
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

TIMEOUT = 1_800
# Settings of whoever runs the tests, which the installed programs must not see.
FOREIGN = ("MLOPS_", "PREFECT_", "PYTHON", "UV_", "VIRTUAL_ENV")


@dataclass(frozen=True)
class Installation:
    """An environment with one package's wheels, and a folder to work in."""

    package: str
    resolution: str
    folder: Path

    @property
    def environment(self) -> Path:
        """Where its Python is."""
        return self.folder / "environment"

    def versions(self) -> dict[str, Version]:
        """Return the version of each distribution that it holds, by name."""
        listed = json.loads(self.run("python", "-m", "pip", "list", "--format=json"))
        return {
            canonicalize_name(entry["name"]): Version(entry["version"])
            for entry in listed
        }

    def run(self, program: str, *args: str | Path) -> str:
        """Run one of its programs in its own folder; return what it printed.

        Raises:
            AssertionError: It failed.
        """
        own = {k: v for k, v in os.environ.items() if not k.startswith(FOREIGN)}
        own["MLOPS_HOME"] = str(self.folder / "home")
        own["PREFECT_HOME"] = str(self.folder / "prefect")
        done = subprocess.run(
            (self.environment / "bin" / program, *args),
            cwd=self.folder,
            env=own,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
        assert done.returncode == 0, f"{program} {args}: {done.stdout}{done.stderr}"
        return done.stdout


def install(
    package: str, wheels: Mapping[str, Wheel], resolution: str, folder: Path
) -> Installation:
    """Install a package's wheel, and the workspace's wheels that it needs.

    Args:
        package: Its name.
        wheels: The workspace's, by name.
        resolution: `highest` is pip's own; `lowest-direct` takes the lowest version
            of each requirement of these wheels.
        folder: An empty one, outside the checkout.
    """
    installation = Installation(package, resolution, folder)
    command = ("uv", "venv", "--no-config", "--quiet", "--seed", "--python")
    subprocess.run((*command, sys.executable, installation.environment), check=True)
    options: tuple[str | Path, ...] = ("--quiet", "--disable-pip-version-check")
    if resolution == "lowest-direct":
        options = (*options, "--constraint", _lowest(package, wheels, folder))
    paths = [wheels[name].path for name in sorted(workspace_packages(package, wheels))]
    installation.run("python", "-m", "pip", "install", *options, *paths)
    return installation


def workspace_packages(package: str, wheels: Mapping[str, Wheel]) -> set[str]:
    """Return the name of a package, and of the workspace's packages that it needs."""
    names = {canonicalize_name(r.name) for r in wheels[package].requirements}
    return {package} | (names & wheels.keys())


def direct(
    package: str, wheels: Mapping[str, Wheel], extras: frozenset[str] = frozenset()
) -> Iterator[Requirement]:
    """Yield what a wheel, and the wheels of the workspace that it needs, ask for.

    Args:
        package: Its name.
        wheels: The workspace's, by name.
        extras: Those of `package` that are wanted.
    """
    for requirement in wheels[package].requirements:
        if not _applies(requirement, extras):
            continue
        name = canonicalize_name(requirement.name)
        if name in wheels:
            yield from direct(name, wheels, frozenset(requirement.extras))
        else:
            requirement.marker = None
            yield requirement


def _lowest(package: str, wheels: Mapping[str, Wheel], folder: Path) -> Path:
    """Resolve a package's requirements downwards; return a file for pip."""
    asked, answer = folder / "requirements.in", folder / "constraints.txt"
    asked.write_text("\n".join(map(str, direct(package, wheels))), "utf-8")
    command = ("uv", "pip", "compile", "--no-config", "--quiet", "--resolution")
    options = ("lowest-direct", "--python", sys.executable, "--output-file", answer)
    subprocess.run((*command, *options, asked), check=True, stdout=subprocess.DEVNULL)
    return answer


def _applies(requirement: Requirement, extras: frozenset[str]) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": e}) for e in extras or {""})
