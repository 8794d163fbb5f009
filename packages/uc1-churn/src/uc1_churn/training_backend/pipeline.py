"""The one Kubeflow pipeline of training: runs here, and compiles for a cluster.

A component is only its call: what it does is in `steps`, from the package that the
image holds. `compilation` turns it into what an API server takes.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from kfp import dsl

# Where a step runs, set on its task: image, resources, variables.
Placement: TypeAlias = Callable[[dsl.PipelineTask], None]
# Stands for the image of the settings; `python` in it satisfies the local runner.
IMAGE = "uc1-churn:python3.11"


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def fit_model(request: str, model: dsl.Output[dsl.Model]) -> None:  # noqa: D103
    from uc1_churn.training_backend import steps

    steps.fit(request, model.path)


@dsl.component(base_image=IMAGE, install_kfp_package=False)  # type: ignore[untyped-decorator]
def register_model(request: str, model: dsl.Input[dsl.Model]) -> str:  # noqa: D103
    from uc1_churn.training_backend import steps

    return steps.register(request, model.path)


def anywhere(_task: dsl.PipelineTask) -> None:
    """Leave a task as it is: it runs where the pipeline runs."""


def training_pipeline(place: Placement = anywhere) -> Any:
    """Return the pipeline; called with a request it runs, or compiles.

    Args:
        place: Sets on each task where it runs.
    """

    @dsl.pipeline(name="churn-training")  # type: ignore[untyped-decorator]
    def churn_training(request: str) -> str:
        """Fit a churn model, then judge and register it.

        Args:
            request: A `TrainingRequest` as JSON.

        Returns:
            The registered version, a `ModelRef` as JSON.
        """
        fitted = fit_model(request=request)
        registered = register_model(request=request, model=fitted.outputs["model"])
        for task in (fitted, registered):
            task.set_caching_options(enable_caching=False)
            place(task)
        return registered.output  # type: ignore[no-any-return]

    return churn_training
