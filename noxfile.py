"""Checks and tests; `nox -l` lists them.

Each session has its own environment, filled from `uv.lock` with one package's
dependencies and nothing else: an undeclared dependency fails here, not in production.
"""

from pathlib import Path

import nox

nox.needs_version = ">=2025.10"
nox.options.default_venv_backend = "uv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True

PACKAGES = {
    "common": "mlops-common",
    "uc1": "uc1-churn",
    "uc4": "uc4-lineage",
}
BENCHMARKS = {
    "uc1": ("extract", "load", "join", "serving", "telco", "simulation"),
    "cluster": ("objects", "router", "start"),
    "orchestration": ("platform",),
    "uc4": ("ingest", "http", "closure", "emission", "page"),
}


def sync(session: nox.Session, *args: str) -> None:
    """Fill the session's environment from `uv.lock`, and nothing else.

    With `--no-venv` the environment that runs nox is taken as it is.
    """
    if session.venv_backend == "none":
        return
    # Tests start many processes; each would compile every library that it imports.
    session.env["PYTHONDONTWRITEBYTECODE"] = ""
    env = {"UV_PROJECT_ENVIRONMENT": session.virtualenv.location}
    command = ("uv", "sync", "--locked", "--quiet", "--no-default-groups", *args)
    session.run_install(*command, env=env, external=True)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style, formatting and spelling."""
    sync(session, "--only-group=lint")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    pages = ("README.md", "CONTRIBUTING.md")
    folders = ("packages", "benchmarks", "deploy", "scripts", "tests", ".github")
    session.run("codespell", *pages, *folders)


@nox.session
def types(session: nox.Session) -> None:
    """Check types, strictly, package by package."""
    sync(session, "--all-packages", "--all-groups")
    session.run("mypy", "noxfile.py", "scripts", "tests/docs")
    for folder in ("deploy", "releases", "workflows"):
        session.run("mypy", f"tests/{folder}")
    session.run("mypy", "tests/wheels", env={"MYPYPATH": "tests/wheels"})
    session.run("mypy", "benchmarks", env={"MYPYPATH": "benchmarks"})
    for package in PACKAGES.values():
        session.run("mypy", f"packages/{package}/src")
        # A layer at a time: two of them may have a module of the same name.
        for layer in ("unit", "integration", "e2e"):
            if Path("packages", package, "tests", layer).is_dir():
                session.run("mypy", f"packages/{package}/tests/{layer}")
    # What only macOS has, or lacks.
    sources = [f"packages/{package}/src" for package in PACKAGES.values()]
    macos = ("--platform=darwin", "--cache-dir=.mypy_cache/darwin")
    session.run("mypy", *macos, *sources)


@nox.session
def imports(session: nox.Session) -> None:
    """Check who imports whom, and that each package declares what it imports."""
    sync(session, "--all-packages", "--all-extras", "--group=lint")
    session.run("lint-imports")
    for package in PACKAGES.values():
        with session.chdir(f"packages/{package}"):
            session.run("deptry", "src")


def add_test(case: str, package: str) -> None:
    """Define `test-<case>`."""

    def test(session: nox.Session) -> None:
        sync(session, f"--package={package}", "--all-extras", "--group=test")
        chosen = session.posargs or ["-m", "not cluster"]
        session.run("pytest", f"packages/{package}/tests", *chosen)

    test.__doc__ = f"Test {package}, alone with its own dependencies."
    nox.session(name=f"test-{case}")(test)


def add_deploy(case: str, package: str) -> None:
    """Define `deploy-<case>`."""

    def deploy(session: nox.Session) -> None:
        sync(session, f"--package={package}")
        session.run("python", "-m", "mlops_common.orchestration.deployments.deploying")
        session.chdir(f"packages/{package}")
        session.run("prefect", "--no-prompt", "deploy", "--all", *session.posargs)

    deploy.__doc__ = f"Register the Prefect deployments of {package}."
    nox.session(name=f"deploy-{case}", default=False)(deploy)


def add_wheel(case: str, package: str) -> None:
    """Define `wheel-<case>`."""

    def wheel(session: nox.Session) -> None:
        sync(session, "--only-group=release")
        session.run("pytest", "tests/wheels", "-k", package, *session.posargs)

    wheel.__doc__ = f"Install {package} from its wheel, by pip alone, and use it."
    nox.session(name=f"wheel-{case}", default=False)(wheel)


def add_bench(case: str, names: tuple[str, ...]) -> None:
    """Define `bench-<case>`."""

    def bench(session: nox.Session) -> None:
        sync(session, "--all-packages")
        for name in session.posargs or names:
            session.run("python", f"benchmarks/{case}_{name}.py")

    bench.__doc__ = f"Measure {case} against its limits and what else one would use."
    nox.session(name=f"bench-{case}", default=False)(bench)


@nox.session(name="test-cluster", default=False)
def test_cluster(session: nox.Session) -> None:
    """Test every package against real servers, those that this machine has."""
    sync(session, "--all-packages", "--all-extras", "--all-groups")
    chosen = session.posargs or ["-m", "cluster"]
    for package in PACKAGES.values():
        session.run("pytest", f"packages/{package}/tests", *chosen)
    session.run("pytest", "tests/deploy", *chosen)


@nox.session
def manifests(session: nox.Session) -> None:
    """Build what `deploy/k3s` holds, and hold it against Kubernetes' schemas."""
    sync(session, "--all-packages", "--all-extras", "--all-groups")
    session.run("pytest", "tests/deploy", "-m", "not cluster", *session.posargs)


@nox.session
def workflows(session: nox.Session) -> None:
    """Check GitHub's workflows: schema, safety, and that each package has its own."""
    sync(session, "--only-group=workflows")
    files = [str(path) for path in Path(".github/workflows").glob("*.yml")]
    schema = ("--builtin-schema", "vendor.github-workflows")
    session.run("check-jsonschema", *schema, *files)
    session.run("zizmor", "--offline", "--quiet", "--strict-collection", ".github")
    session.run("pytest", "tests/workflows", *session.posargs)


@nox.session
def releases(session: nox.Session) -> None:
    """Check what a release is made of: the tag, the changelog and the wheel."""
    sync(session, "--only-group=release")
    session.run("pytest", "tests/releases", *session.posargs)
    session.run("pytest", "tests/wheels/test_contents.py", *session.posargs)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Prepare a release: `nox -s release -- uc1-churn 0.2.0`."""
    sync(session, "--only-group=release")
    if not session.posargs:
        session.error("say what: `nox -s release -- uc1-churn 0.2.0`")
    package, version = session.posargs
    command = ("uv", "version", "--no-sync", "--package", package, version)
    session.run(*command, external=True)
    options = ("--dir", f"packages/{package}", "--version", version, "--yes")
    session.run("towncrier", "build", "--config", "pyproject.toml", *options)
    session.log(f"read the diff, commit it, then: git tag {package}-{version}")


@nox.session
def docs(session: nox.Session) -> None:
    """Run every docstring example and every block of the READMEs."""
    sync(session, "--all-packages", "--group=docs")
    sources = [f"packages/{package}/src" for package in PACKAGES.values()]
    session.run("pytest", "--doctest-modules", *sources, "-p", "no:randomly")
    session.run("pytest", "tests/docs")


for _case, _package in PACKAGES.items():
    add_test(_case, _package)
    add_wheel(_case, _package)
    if _case != "common":
        add_deploy(_case, _package)
for _case, _names in BENCHMARKS.items():
    add_bench(_case, _names)
