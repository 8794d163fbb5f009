"""A small use case, whose runs an audit is to find."""

from mlops_common.lineage.dataset import Dataset, columns, copied
from mlops_common.lineage.naming import stored
from mlops_common.lineage.recording import reads, writes
from mlops_common.orchestration.flows import flow
from mlops_common.orchestration.tasks import MINUTE, task

FLOUR = Dataset(
    name=stored("/bakery/flour.csv"), fields=columns({"kg": "double"}), owner="ann"
)
LOAF = Dataset(
    name=stored("/bakery/loaf.csv"),
    fields=columns({"kg": "double"}),
    origins=copied(FLOUR.name, ["kg"]),
)


@task(timeout=MINUTE)
def bake(burn: bool) -> None:  # noqa: FBT001 - as a Prefect form has it
    """Make a loaf of flour."""
    reads(FLOUR)
    if burn:
        raise ValueError("burnt")
    writes(LOAF)


@task(timeout=MINUTE)
def rest() -> None:
    """Touch nothing."""


@flow("UC4: Bread Pipeline")
def bread_pipeline(burn: bool = False) -> None:  # noqa: FBT001, FBT002 - as above
    """Bake."""
    bake(burn)


@flow("UC4: Idle Pipeline")
def idle_pipeline() -> None:
    """Rest."""
    rest()


@flow("Bakery: somebody else's")
def foreign_pipeline() -> None:
    """Rest, elsewhere."""
    rest()
