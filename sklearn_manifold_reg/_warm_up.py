"""Compilation of the kernels ahead of use."""

import warnings

import numpy as np


def warm_up() -> None:
    """Compile the kernels, or load them from their cache on disk.

    The first call after an installation takes some half a minute; later ones, also
    in new processes, about a second. Without it each kernel is compiled when it is
    first needed. A process that serves requests may call this at its start.

    Examples
    --------
    >>> import sklearn_manifold_reg
    >>> sklearn_manifold_reg.warm_up()
    """
    from sklearn_manifold_reg.cluster import (
        KernelKMeans,
        KernelWard,
        SpectralClustering,
    )
    from sklearn_manifold_reg.decomposition import (
        SSNMF,
        fully_constrained_least_squares,
    )
    from sklearn_manifold_reg.graph import (
        ImageGraph,
        NeighborsGraph,
        laplacian,
        partition_walks,
        window_laplacian,
    )
    from sklearn_manifold_reg.inverse import RadonTransform
    from sklearn_manifold_reg.kernel import GraphRandomFeatures
    from sklearn_manifold_reg.linalg import (
        SparseOperator,
        apply_chebyshev,
        apply_function,
        bootstrap_smooth_vectors,
        solve,
    )
    from sklearn_manifold_reg.semi_supervised import ManifoldLipschitzRegressor

    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        # What small random data make of a graph is of no interest here.
        warnings.simplefilter("ignore")
        for dtype in (np.float32, np.float64):
            low = rng.normal(size=(400, 3)).astype(dtype)
            high = rng.normal(size=(400, 16)).astype(dtype)
            ImageGraph((20, 20)).fit(low)
            window_laplacian(low[:, 0], (20, 20), stored=False)
            for X, options in (
                (low, {"weights": "fuzzy"}),
                (high, {"algorithm": "brute"}),
                (high, {"algorithm": "nn_descent", "random_state": 0}),
            ):
                graph = NeighborsGraph(**options).fit(X)
                graph.transform(X[:2])
            SpectralClustering(2, refine=True, random_state=0).fit(low)
            K = rng.normal(size=(50, 50)).astype(dtype)
            for algorithm in ("lloyd", "iterative"):
                KernelKMeans(2, algorithm=algorithm, n_init=1).fit(K)
            KernelWard().fit(K)
            fully_constrained_least_squares(low, low[:3])
            SSNMF(2, ImageGraph((20, 20)), init="random", max_iter=1).fit(abs(low))
            radon = RadonTransform((20, 20), [0, 60])
            radon.adjoint() @ (radon @ low)
            for coupling in ("iid", "repelling"):
                walks = GraphRandomFeatures(coupling=coupling, random_state=0).fit(low)
                walks.solve(low)
            L = laplacian(NeighborsGraph().fit(low).affinity_)
            system = SparseOperator(L.csr, L.diagonal_part + dtype(0.1), -1.0)
            for n_columns in (1, 3):
                B = rng.normal(size=(400, n_columns)).astype(dtype)
                for solver in ("cg", "amg"):
                    for tol in (1e-3, 1e-10):
                        solve(system, B, solver=solver, tol=tol)
                apply_chebyshev(system, B, np.ones(5), upper=2.1)
                apply_function(system, np.sqrt, B, tol=1e-3)
        bootstrap_smooth_vectors(system, max_vectors=1)
        for gradient in ("energy", "max_slope"):
            ManifoldLipschitzRegressor(gradient=gradient, max_iter=1).fit(
                low, low[:, 0]
            )
        partition_walks(walks.graph_.affinity_, np.arange(400) % 2, [1.0, 0.5])
