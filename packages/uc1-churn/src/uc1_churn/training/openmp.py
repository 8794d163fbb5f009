"""The library that LightGBM needs and no wheel of it brings: OpenMP."""

from mlops_common.errors import ConfigError


def require() -> None:
    """Return if LightGBM can be loaded.

    Raises:
        ConfigError: It cannot; says what to install.
    """
    try:
        import lightgbm  # noqa: F401 - to load its library
    except OSError as error:
        raise ConfigError(
            f"LightGBM cannot be loaded: {str(error).partition(chr(10))[0]}; install "
            "OpenMP, which it needs: `brew install libomp` on macOS, `apt-get install "
            "libgomp1` on Debian"
        ) from error
