# mypy: disallow-untyped-defs=False
"""Compiled aggregation of nodes for multigrid."""

from sklearn_manifold_reg.utils._numba import kernel


@kernel
def aggregate(indptr, indices, data, threshold, strongest, aggregates):
    """Join nodes by strong entries into numbered aggregates; return how many.

    Entry (i, j) counts as strong if `-a_ij` is at least `threshold` times the lesser
    of the largest ones of both rows. First come nodes whose strong neighbors are all
    free, together with these; then the others join the aggregate of their strongest
    neighbor among those. What has strong neighbors and is left forms aggregates of
    its own; nodes without any keep -1.
    """
    n = indptr.shape[0] - 1
    for i in range(n):
        aggregates[i] = -1
        strongest[i] = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            if indices[entry] != i:
                strongest[i] = max(strongest[i], -data[entry])
    count = 0
    for i in range(n):
        if aggregates[i] >= 0 or strongest[i] <= 0.0:
            continue
        free = True
        for entry in range(indptr[i], indptr[i + 1]):
            j = indices[entry]
            least = threshold * min(strongest[i], strongest[j])
            if j != i and -data[entry] >= least and aggregates[j] >= 0:
                free = False
                break
        if free:
            aggregates[i] = count
            for entry in range(indptr[i], indptr[i + 1]):
                j = indices[entry]
                least = threshold * min(strongest[i], strongest[j])
                if -data[entry] >= least and -data[entry] > 0.0:
                    aggregates[j] = count
            count += 1
    for i in range(n):
        if aggregates[i] >= 0:
            continue
        best = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            owner = aggregates[indices[entry]]
            # Nodes that join now are written as -2 - owner until all have joined.
            if -data[entry] > best and owner >= 0:
                best = -data[entry]
                aggregates[i] = -2 - owner
    for i in range(n):
        if aggregates[i] < -1:
            aggregates[i] = -2 - aggregates[i]
    for i in range(n):
        if aggregates[i] >= 0 or strongest[i] <= 0.0:
            continue
        aggregates[i] = count
        for entry in range(indptr[i], indptr[i + 1]):
            j = indices[entry]
            if -data[entry] > 0.0 and aggregates[j] == -1:
                aggregates[j] = count
        count += 1
    return count
