import sys
from pathlib import Path

import pytest

from mlops_common.errors import ConfigError
from uc1_churn.training import openmp

MISSING = "dlopen(lib_lightgbm.dylib): Library not loaded: @rpath/libomp.dylib"


def test_lightgbm_can_be_loaded_here() -> None:
    openmp.require()


def test_a_machine_without_openmp_is_told_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a new Mac, where the wheel of LightGBM installs and does not load."""
    text = f"raise OSError({MISSING + chr(10) + '  Referenced from: elsewhere'!r})"
    (tmp_path / "lightgbm.py").write_text(text, "utf-8")
    for name in [*sys.modules]:
        if name.partition(".")[0] == "lightgbm":
            monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(str(tmp_path))

    with pytest.raises(ConfigError, match="brew install libomp") as caught:
        openmp.require()

    assert MISSING in str(caught.value)
    assert "\n" not in str(caught.value)
