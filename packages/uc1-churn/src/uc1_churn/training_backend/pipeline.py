"""The one Kubeflow pipeline of training: runs here, and compiles for a cluster.

A component is only its call: what it does is in `steps`, from the package that the
image holds. Compile for a cluster with `python -m uc1_churn.training_backend.pipeline
TARGET.yaml`; `$UC1_TRAINING_IMAGE` names the image.
"""

import os
import sys

from kfp import compiler, dsl

# An image with this package; `python` in the name satisfies the local runner.
IMAGE = os.environ.get("UC1_TRAINING_IMAGE", "uc1-churn:python3.11")


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def fit_model(request: str, model: dsl.Output[dsl.Model]) -> None:  # noqa: D103
    from uc1_churn.training_backend import steps

    steps.fit(request, model.path)


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def register_model(request: str, model: dsl.Input[dsl.Model]) -> str:  # noqa: D103
    from uc1_churn.training_backend import steps

    return steps.register(request, model.path)


@dsl.pipeline(name="churn-training")  # type: ignore[untyped-decorator]
def churn_training(request: str) -> str:
    """Fit a churn model, then judge and register it.

    Args:
        request: A `TrainingRequest` as JSON.

    Returns:
        The registered version, a `ModelRef` as JSON.
    """
    fitted = fit_model(request=request).set_caching_options(enable_caching=False)
    registered = register_model(request=request, model=fitted.outputs["model"])
    registered.set_caching_options(enable_caching=False)
    return registered.output  # type: ignore[no-any-return]


if __name__ == "__main__":
    compiler.Compiler().compile(churn_training, sys.argv[1])
