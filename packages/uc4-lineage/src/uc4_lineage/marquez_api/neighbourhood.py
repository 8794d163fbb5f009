"""What lies around a job or a dataset, in either direction."""

import numpy as np

from uc4_lineage.graph import Direction, Graph
from uc4_lineage.reading import Snapshot


def around(snapshot: Snapshot, key: int, depth: int) -> tuple[list[int], list[int]]:
    """Return the jobs within `depth` steps, and all that they read and write.

    A step leads from a job to any that has a dataset in common with it, whichever of
    the two reads or writes it. The jobs that touch a dataset are its first, at depth 0.

    Args:
        snapshot: The graph of now.
        key: Id of a dataset, or minus the id of a job.
        depth: Most steps from the job.

    Returns:
        The ids of the jobs, and those of the datasets.

    Examples:
        >>> chain = Snapshot.of(np.array([1, 1, 2]), np.array([7, 8, 8]), [0, 1, 0])
        >>> around(chain, -1, 0), around(chain, -1, 1), around(chain, 7, 0)
        (([1], [7, 8]), ([1, 2], [7, 8]), ([1], [7, 8]))
    """
    number = snapshot.number(key)
    if number is None:
        return ([-key], []) if key < 0 else ([], [key])
    graph = snapshot.graph
    tails = np.concatenate([graph.tails, graph.heads])
    heads = np.concatenate([graph.heads, graph.tails])
    edges = 2 * depth + (1 if key < 0 else 2)
    reach = Graph(graph.size, tails, heads).reach(number, Direction.DOWN, edges)
    keys = np.sort(snapshot.keys[reach.nodes])
    return (-keys[keys < 0][::-1]).tolist(), keys[keys > 0].tolist()
