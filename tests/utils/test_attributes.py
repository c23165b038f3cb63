"""Attributes: categories, bins, missing and unknown values."""

import numpy as np
import pytest

from sklearn_manifold_reg.utils._attributes import (
    code_entropy,
    encode_attributes,
    learn_attributes,
)


def codes_of(attributes, n_bins=5):
    learned = learn_attributes(attributes, len(attributes), n_bins)
    return learned, encode_attributes(learned, attributes, len(attributes))


@pytest.mark.parametrize(
    "column",
    [
        ["b", "a", "b"],
        np.array(["b", "a", "b"]),
        np.array([7, -2, 7]),
        np.array([True, False, True]),
        np.array([2.5, 0.5, 2.5]),
    ],
)
def test_categories_are_sorted(column):
    learned, codes = codes_of(column)
    np.testing.assert_array_equal(codes[:, 0], [1, 0, 1])
    assert len(learned[0].values) == 2


def test_missing_values_of_every_kind():
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "text": ["x", None, "y"],
            "number": [1.5, 2.5, np.nan],
            "nullable": pd.array([1, None, 3], dtype="Int64"),
            "category": pd.Categorical(["u", None, "u"]),
        }
    )
    learned, codes = codes_of(frame)
    assert [a.name for a in learned] == list(frame.columns)
    np.testing.assert_array_equal(codes, [[0, 0, 0, 0], [-1, 1, -1, -1], [1, -1, 1, 0]])


def test_rows_of_mixed_kinds_keep_their_kinds():
    learned, codes = codes_of([["a", 1], [None, 2], ["b", 1]])
    assert learned[1].values == [1, 2]
    np.testing.assert_array_equal(codes, [[0, 0], [-1, 1], [1, 0]])


def test_numbers_fall_into_bins_of_equal_counts():
    numbers = np.random.default_rng(0).normal(size=1000)
    learned, codes = codes_of(numbers, n_bins=4)
    np.testing.assert_array_equal(np.bincount(codes[:, 0]), [250] * 4)
    assert np.all(np.diff(codes[np.argsort(numbers), 0]) >= 0)
    assert len(learned[0].values) == 4
    extremes = encode_attributes(learned, np.array([-1e9, 1e9, np.nan]), 3)
    np.testing.assert_array_equal(extremes[:, 0], [0, 3, -1])


def test_bins_of_repeated_numbers_are_not_empty():
    numbers = np.concatenate([np.zeros(90), np.arange(10)]).astype(float)
    learned, codes = codes_of(numbers, n_bins=5)
    assert len(np.unique(codes)) == len(learned[0].values)


def test_unknown_values():
    learned, _ = codes_of(["a", "b"])
    np.testing.assert_array_equal(
        encode_attributes(learned, ["b", "c"], 2)[:, 0], [1, -1]
    )


def test_entropy_by_hand():
    codes = np.array([[0, 0], [0, 1], [1, -1], [1, 2], [1, 2], [0, 2]])
    labels = np.array(["u", "u", "v", "v", "v", "v"])
    quarter = -(0.25 * np.log2(0.25) + 0.75 * np.log2(0.75))
    # Cluster u: 0 and 1 bit; v: the split 1:3, and one value beside a missing one.
    assert code_entropy(codes, labels) == pytest.approx(2 / 6 * 1 + 4 / 6 * quarter)


def test_failures():
    with pytest.raises(ValueError, match="attributes has 2 rows, X has 3"):
        learn_attributes(["a", "b"], 3, 5)
    with pytest.raises(ValueError, match="set n_bins"):
        learn_attributes(np.arange(9.0), 9, None)
    with pytest.raises(ValueError, match="holds infinity"):
        learn_attributes(np.array([1.0, np.inf]), 2, 5)
    with pytest.raises(ValueError, match="got shape"):
        learn_attributes(np.zeros((2, 2, 2)), 2, 5)
    learned, _ = codes_of(["a", "b"])
    with pytest.raises(ValueError, match="2 columns, expected 1 as in fit"):
        encode_attributes(learned, [["a", "b"]], 1)
