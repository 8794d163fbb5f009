"""Commands that look at the settings."""

import typer

from mlops_common.commands.context import AsJson, loaded_of, warn


def show(context: typer.Context, as_json: AsJson = False) -> None:
    """Print every value with its origin; secrets are masked."""
    from mlops_common import console

    loaded = loaded_of(context)
    rows = list(loaded.rows())
    if as_json:
        console.print_json({key: {"value": v, "origin": o} for key, v, o in rows})
    else:
        console.print_rows(("key", "value", "origin"), rows)


def validate(context: typer.Context, as_json: AsJson = False) -> None:
    """Check the settings and the sections of the installed use cases."""
    from mlops_common import console, use_case
    from mlops_common.params import validated

    loaded = loaded_of(context)
    for name, case in use_case.installed().items():
        section = getattr(loaded.settings, name)
        validated(case.load_params(), section, where=f"section {name}")
    if as_json:
        file = str(loaded.file) if loaded.file else None
        warnings = list(loaded.warnings())
        console.print_json({"file": file, "valid": True, "warnings": warnings})
        return
    warn(loaded)
    typer.echo(f"{loaded.file or 'built-in defaults'}: valid")


def schema() -> None:
    """Print the JSON Schema of `config.yaml`, for editors."""
    from mlops_common import console, settings_schema

    console.print_json(settings_schema.schema())
