# mypy: disallow-untyped-defs=False
"""Compiled renumbering and scaling of a symmetric CSR matrix."""

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def permuted_system(
    indptr,
    indices,
    data,
    order,
    position,
    side,
    scale,
    new_indptr,
    new_indices,
    new_data,
    start,
    stop,
):
    """Write rows `start` to `stop` of `scale diag(side) A diag(side)`, renumbered."""
    for i in range(start, stop):
        old = order[i]
        place = new_indptr[i]
        factor = scale * side[old]
        for entry in range(indptr[old], indptr[old + 1]):
            j = indices[entry]
            new_indices[place] = position[j]
            new_data[place] = factor * data[entry] * side[j]
            place += 1
