"""Its flow, which writes down what it reacts to."""

import os
from pathlib import Path

from prefect import flow


@flow(name="UC9: Reaction")
def react(feature: str) -> None:
    """Write down a feature in the home folder."""
    with (Path(os.environ["MLOPS_HOME"]) / "features").open("a") as stream:
        stream.write(f"{feature}\n")
