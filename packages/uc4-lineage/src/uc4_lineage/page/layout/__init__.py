"""Where each node of a graph lies: layered, left to right, as the data flows.

Pure, and the same for the same graph. The steps are Sugiyama's: cycles are broken,
nodes get a column, each column an order, each node a height.

References:
    K. Sugiyama, S. Tagawa, M. Toda (1981). Methods for visual understanding of
    hierarchical system structures. IEEE Trans. Syst. Man Cybern. 11(2), 109-125.
"""
