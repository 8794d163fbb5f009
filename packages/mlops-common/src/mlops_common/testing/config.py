"""Files of settings, as short to write as what a test says with them."""

from pathlib import Path

from mlops_common.config import Loaded, load


def write(folder: Path, text: str) -> Path:
    """Write `config.yaml` into a folder; return its path."""
    file = folder / "config.yaml"
    file.write_text(text, "utf-8")
    return file


def read(folder: Path, text: str, **environ: str) -> Loaded:
    """Return what a file of settings says, with `environ` for all variables."""
    return load(write(folder, text), environ)
