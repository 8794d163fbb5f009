"""Runs the training pipeline over the request in a folder, with Kubeflow's runner."""

import sys
from pathlib import Path

from kfp import local

from uc1_churn.training_backend.local import REQUEST
from uc1_churn.training_backend.pipeline import training_pipeline


def main(folder: Path) -> None:
    """Run the pipeline; its steps leave the outcome in the object store."""
    local.init(
        runner=local.SubprocessRunner(use_venv=False),
        pipeline_root=str(folder / "outputs"),
        raise_on_error=True,
    )
    training_pipeline()(request=(folder / REQUEST).read_text("utf-8"))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
