"""Where the code of a job is: its file, its package, the commit of its repository.

Nothing is run for it in the thread that asks: the files of git are read, once for each
module of a process, and git tells another thread whether files differ from the commit.
"""

import re
import sys
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from mlops_common import provenance
from mlops_common.lineage.observation import Code

INSTALLED = frozenset({"site-packages", "dist-packages"})
REMOTE = re.compile(r'(?ms)^\[remote "origin"\]\s*$(?P<keys>.*?)(?=^\[|\Z)')
URL = re.compile(r"(?m)^\s*url\s*=\s*(\S+)\s*$")
LOGIN = re.compile(r"^(\w+://)[^/@]*@")
# git@host:owner/name.git, ssh://git@host/owner/name.git, https://host/owner/name.git
PAGES = re.compile(
    r"^(?:https?://|ssh://)?(?:[^@/]*@)?(?P<host>[\w.-]+)(?::\d+)?[:/]"
    r"(?P<path>[\w./~-]+?)(?:\.git)?/?$"
)


@cache
def code_of(module: str) -> Code:
    """Return where the code of a module is.

    Args:
        module: Such as `uc1_churn.tasks.data_ingestion`.

    Examples:
        >>> code_of("mlops_common.lineage.source").distribution[:13]
        'mlops-common '
        >>> code_of("no.such.module")
        Code(module='no.such.module', distribution='', path='', commit='', branch='', \
repository='', file='')
    """
    file = _file(module)
    known = {"module": module, "distribution": _distribution(module.partition(".")[0])}
    if file is None:
        return Code(**known)
    root = _root(file)
    if root is None:
        return Code(**known, file=file.as_uri())
    git = _git_folder(root)
    branch, commit = _head(git)
    return Code(
        **known,
        file=file.as_uri(),
        path=file.relative_to(root).as_posix(),
        commit=commit,
        branch=branch,
        repository=_remote(git),
    )


def marked(code: Code) -> Code:
    """Return the same, its commit marked `-dirty` where files differ from that.

    It is not marked before git has answered, which is asked at the first call.

    Examples:
        >>> marked(Code(module="no.such.module", commit="ab12")).commit
        'ab12'
    """
    folder = _package(code.module) if code.commit else None
    commit = provenance.commit(folder, wait=False) if folder else None
    return code if commit is None else code.model_copy(update={"commit": commit})


def page(code: Code) -> str:
    """Return the address of the code: on the pages of its host, else its file.

    Examples:
        >>> page(Code(module="a", path="src/a.py", commit="ab12",
        ...     repository="git@github.com:org/repo.git"))
        'https://github.com/org/repo/blob/ab12/src/a.py'
    """
    host = PAGES.match(code.repository)
    if not host or not code.commit or "." not in host["host"]:
        return code.file
    path = quote(code.path)
    commit = code.commit.removesuffix(provenance.DIRTY)
    return f"https://{host['host']}/{host['path']}/blob/{commit}/{path}"


def _file(module: str) -> Path | None:
    loaded = sys.modules.get(module)
    try:
        spec = None if loaded is not None else find_spec(module)
    except (ImportError, ValueError, AttributeError):
        return None
    found = getattr(loaded, "__file__", None) or (spec.origin if spec else None)
    return Path(found).resolve() if found and Path(found).is_file() else None


@cache
def _package(module: str) -> Path | None:
    """Return the folder of the package, or of the program, that a module is of."""
    loaded = sys.modules.get(module.partition(".")[0])
    file = getattr(loaded, "__file__", None)
    return Path(file).resolve().parent if file else None


@cache
def _distribution(package: str) -> str:
    name = package.replace("_", "-")
    try:
        return f"{name} {version(name)}"
    except (PackageNotFoundError, ValueError):
        return ""


def _root(file: Path) -> Path | None:
    """Return the checkout that a file is of; a wheel installed below is of none."""
    for folder in file.parents:
        if folder.name in INSTALLED:
            return None
        if (folder / ".git").exists():
            return folder
    return None


def _git_folder(root: Path) -> Path:
    """Return the folder of git; that of a worktree is named in a file."""
    place = root / ".git"
    text = "" if place.is_dir() else _read(place).strip()
    return (root / text.removeprefix("gitdir:").strip()) if text else place


def _head(git: Path) -> tuple[str, str]:
    """Return the branch and the commit that a checkout is at."""
    head = _read(git / "HEAD").strip()
    if not head.startswith("ref:"):
        return "", head
    ref = head.removeprefix("ref:").strip()
    common = _common(git)
    loose = _read(git / ref).strip() or _read(common / ref).strip()
    return ref.removeprefix("refs/heads/"), loose or _packed(common, ref)


def _packed(git: Path, ref: str) -> str:
    for line in _read(git / "packed-refs").splitlines():
        commit, _, name = line.partition(" ")
        if name == ref:
            return commit
    return ""


def _common(git: Path) -> Path:
    text = _read(git / "commondir").strip()
    return (git / text).resolve() if text else git


def _remote(git: Path) -> str:
    """Return the URL of `origin`, without who logs in there."""
    section = REMOTE.search(_read(_common(git) / "config"))
    found = URL.search(section["keys"]) if section else None
    return LOGIN.sub(r"\1", found[1]) if found else ""


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", errors="replace")
    except OSError:
        return ""
