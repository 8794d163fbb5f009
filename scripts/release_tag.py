"""Holds a release's tag against the package that it names.

Usage: python scripts/release_tag.py uc1-churn-0.2.0

Prints `package=uc1-churn` and `case=uc1`, lines for a workflow's outputs, when the
package's folder is of that version and its changelog tells of it. Otherwise says what
differs, and exits with 1.
"""

import re
import sys
import tomllib
from pathlib import Path

TAG = re.compile(r"(?P<package>[a-z0-9]+(-[a-z]+)*)-(?P<version>\d[\w.]*)")


def checked(tag: str, packages: Path) -> str:
    """Return the name of the package that `tag` releases.

    Args:
        tag: `<package>-<version>`.
        packages: The folder of all packages.

    Raises:
        ValueError: It names no package, or one of another version or without a
            changelog of this one.
    """
    parts = TAG.fullmatch(tag)
    if parts is None:
        raise ValueError(f"{tag!r} is no tag of a release, such as uc1-churn-0.2.0")
    folder = packages / parts["package"]
    if not (folder / "pyproject.toml").is_file():
        known = ", ".join(sorted(path.parent.name for path in packages.glob("*/src")))
        raise ValueError(f"{tag!r} names no package; the packages are {known}")
    text = (folder / "pyproject.toml").read_text("utf-8")
    version = tomllib.loads(text)["project"]["version"]
    if version != parts["version"]:
        raise ValueError(
            f"{tag!r} is not of the version in {folder}/pyproject.toml, {version}: run "
            f"`nox -s release -- {folder.name} {parts['version']}` and tag its commit"
        )
    if f"\n## {version}\n" not in (folder / "CHANGELOG.md").read_text("utf-8"):
        raise ValueError(f"{folder}/CHANGELOG.md does not tell of {version}")
    return folder.name


def main() -> None:
    """Check the tag that is the only argument."""
    (tag,) = sys.argv[1:]
    try:
        package = checked(tag, Path("packages"))
    except ValueError as error:
        sys.exit(str(error))
    print(f"package={package}")
    print(f"case={package.removeprefix('mlops-').partition('-')[0]}")


if __name__ == "__main__":
    main()
