"""How fast the pattern of a matrix fills up: a measure of a graph's dimension."""

import numpy as np

from sklearn_manifold_reg._arrays import CSR

_N_ROWS = 200


def square_fill(csr: CSR) -> float:
    """Estimate how many times more entries a square has than the matrix.

    On nearest-neighbor graphs it is near 3 for surfaces, 4 in a cube and 5 to 9 in
    high dimension, where whatever eliminates or aggregates nodes fills up.

    Parameters
    ----------
    csr : CSR
        Square matrix on the host.

    Returns
    -------
    fill : float
        From some hundred rows, evenly spaced; at least 1.
    """
    indptr, indices = csr.indptr, csr.indices
    n = len(indptr) - 1
    rows = np.unique(np.linspace(0, n - 1, _N_ROWS).astype(np.int64))
    count = 0
    for i in rows:
        near = indices[indptr[i] : indptr[i + 1]]
        far = [indices[indptr[j] : indptr[j + 1]] for j in near]
        count += len(np.unique(np.concatenate([near, *far])))
    return max(1.0, count / max(1, int(np.sum(indptr[rows + 1] - indptr[rows]))))
