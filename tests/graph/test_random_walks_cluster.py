"""Walks on parts of a graph that the workers of a local cluster hold."""

import numpy as np
import pytest
from scipy import sparse
from sklearn.base import clone

from sklearn_manifold_reg.datasets import make_planted_partition
from sklearn_manifold_reg.graph import partition_walks, random_walks
from sklearn_manifold_reg.kernel import GraphRandomFeatures

distributed = pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:The graph of:UserWarning"),
]

MODULATION = 0.6 ** np.arange(30)


@pytest.fixture(scope="module")
def client():
    options = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with (
        distributed.LocalCluster(**options) as cluster,
        distributed.Client(cluster) as client,
    ):
        yield client


@pytest.fixture(scope="module")
def graph():
    A, labels = make_planted_partition(
        150, 3, p_in=0.1, p_out=0.02, connected=False, random_state=0
    )
    # Weights, and two nodes without edges.
    A = sparse.triu(A).tocsr()
    A.data = np.random.RandomState(1).uniform(0.5, 2.0, len(A.data))
    A = sparse.block_diag([A + A.T, sparse.csr_array((2, 2))], format="csr")
    return A, np.append(labels, [0, 3])


def assert_equal_to_the_bit(matrix, other):
    np.testing.assert_array_equal(matrix.indptr, other.indptr)
    np.testing.assert_array_equal(matrix.indices, other.indices)
    np.testing.assert_array_equal(matrix.data, other.data)


@pytest.mark.parametrize("coupling", ["iid", "antithetic", "repelling"])
def test_workers_find_what_one_process_finds(client, graph, coupling):
    A, labels = graph
    options = {"coupling": coupling, "n_walks": 6, "p_halt": 0.2, "random_state": 7}
    whole = random_walks(A, **options).features(MODULATION, isolated=3.0)
    parts = partition_walks(A, labels, MODULATION, isolated=3.0, **options)
    spread = partition_walks(
        A, labels, MODULATION, isolated=3.0, client=client, **options
    )
    assert_equal_to_the_bit(whole.matrix, parts.matrix)
    assert_equal_to_the_bit(whole.matrix, spread.matrix)
    assert whole.n_steps == parts.n_steps == spread.n_steps > 0


def test_float32_weights_stay_float32_on_workers(client, graph):
    A, labels = graph
    A = A.astype(np.float32)
    whole = random_walks(A, random_state=0).features(MODULATION)
    spread = partition_walks(A, labels, MODULATION, random_state=0, client=client)
    assert spread.matrix.dtype == np.float32
    assert_equal_to_the_bit(whole.matrix, spread.matrix)


@pytest.mark.parametrize("side", [{}, {"anchors": 20}, {"projection": 5}])
def test_estimator_fits_on_workers(client, graph, side):
    A, parts = graph
    model = GraphRandomFeatures(graph="precomputed", n_copies=2, random_state=0, **side)
    whole = clone(model).fit(A)
    for workers in (None, client):
        spread = clone(model).fit(A, parts=parts, client=workers)
        for name in ("features_", "features_second_"):
            one, other = getattr(whole, name), getattr(spread, name)
            if "projection" in side:
                np.testing.assert_array_equal(one, other)
            else:
                assert_equal_to_the_bit(one, other)
        assert spread.n_steps_ == whole.n_steps_


def test_client_needs_parts(client, graph):
    model = GraphRandomFeatures(graph="precomputed")
    with pytest.raises(ValueError, match="client needs parts"):
        model.fit(graph[0], client=client)


def test_turns_of_a_part_are_done_by_one_worker(client, graph):
    A, _ = graph
    labels = np.arange(A.shape[0]) % 2
    with distributed.get_task_stream(client) as stream:
        partition_walks(A, labels, MODULATION, random_state=0, client=client)
    turns = [task for task in stream.data if "take_turn" in str(task["key"])]
    workers = [task["worker"] for task in turns]
    # Neighbors are as often in the other part, so both take part to the end.
    assert len(set(workers)) == 2
    assert len(workers) > 10
    assert abs(workers.count(workers[0]) - len(workers) / 2) <= 2
