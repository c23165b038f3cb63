# mypy: disallow-untyped-defs=False
"""Compiled active-set method for many small quadratic programs with one matrix.

The minimizer over a support is an affine map of the linear term. Pixels share few
supports, so each map is made once and kept in a table: a step costs a small product.
"""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Numbers kept in the table of maps: 2 MB, which the second-level cache holds.
_TABLE_SIZE = 1 << 18
_MAX_BITS = 16
# Supports wider than a machine word have no key and are not kept.
_WORD = 64
# Golden ratio, which spreads keys evenly over the slots.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)


@kernel
def solve_rows(A, B, offset, starts, simplex, tol, dependent, out, start, stop):
    """Minimize `w A w' / 2 - (B_i - offset) w'` over w >= 0 for rows of `B`.

    Returns the largest violation of the optimality conditions, relative to the size
    of the row's problem.
    """
    n_variables = A.shape[0]
    table = _empty_table(n_variables)
    b = np.empty(n_variables)
    w = np.empty(n_variables)
    s = np.empty(n_variables)
    g = np.empty(n_variables)
    passive = np.empty(n_variables, np.bool_)
    size = 0.0
    for k in range(n_variables):
        size = max(size, A[k, k])
    worst = 0.0
    for i in range(np.uint64(start), np.uint64(stop)):
        scale = size
        for k in range(n_variables):
            b[k] = B[i, k] - offset[k]
            scale = max(scale, abs(b[k]))
        row = i if starts.shape[0] > 1 else np.uint64(0)
        for k in range(n_variables):
            passive[k] = starts[row, k]
        if scale == 0.0:
            scale = 1.0
        _begin(A, b, simplex, dependent, passive, table, w, s)
        violation = _improve(
            A, b, simplex, tol * scale, dependent, passive, table, w, s, g
        )
        worst = max(worst, violation / scale)
        for k in range(n_variables):
            out[i, k] = w[k]
    return worst


@kernel
def _empty_table(n_variables):
    bits = min(n_variables, _MAX_BITS)
    while bits > 4 and (1 << bits) * n_variables * n_variables > _TABLE_SIZE:
        bits -= 1
    n_slots = 1 << bits
    return (
        np.zeros(n_slots, np.uint64),
        np.zeros(n_slots, np.int64),
        np.empty((n_slots, n_variables), np.uint32),
        np.empty((n_slots, n_variables, n_variables)),
        np.empty((n_slots, n_variables)),
        np.empty((n_variables, n_variables)),
        bits,
    )


@kernel
def _find(A, simplex, dependent, passive, table):
    """Slot of the map of a support; its size there is -1 where columns depend."""
    keys, sizes, members, _, _, _, bits = table
    n_variables = A.shape[0]
    if n_variables > _WORD:
        slot = np.uint64(0)
    else:
        key = np.uint64(0)
        for k in range(n_variables):
            if passive[k]:
                key |= np.uint64(1) << np.uint64(k)
        slot = key
        if n_variables > bits:
            slot = (key * _SPREAD) >> np.uint64(64 - bits)
        else:
            slot = key & np.uint64((1 << bits) - 1)
        if keys[slot] == key:
            return slot
        keys[slot] = key
    size = 0
    for k in range(n_variables):
        if passive[k]:
            members[slot, size] = k
            size += 1
    sizes[slot] = size
    if not _fill(A, simplex, dependent, table, slot):
        sizes[slot] = -1
    return slot


@kernel
def _fill(A, simplex, dependent, table, slot):
    """Invert `A` over the support by its Cholesky factor, and add the constraint."""
    _, sizes, members, inverses, shifts, factor, _ = table
    size = sizes[slot]
    member = members[slot]
    inverse = inverses[slot]
    for a in range(size):
        for c in range(a + 1):
            total = A[member[a], member[c]]
            for d in range(c):
                total -= factor[a, d] * factor[c, d]
            if c < a:
                factor[a, c] = total / factor[c, c]
            elif total > dependent * A[member[a], member[a]]:
                factor[a, a] = np.sqrt(total)
            else:
                return False
    # Columns of the inverse: forward, then backward.
    for c in range(size):
        for a in range(size):
            total = 1.0 if a == c else 0.0
            for d in range(a):
                total -= factor[a, d] * inverse[d, c]
            inverse[a, c] = total / factor[a, a]
        for a in range(size - 1, -1, -1):
            total = inverse[a, c]
            for d in range(a + 1, size):
                total -= factor[d, a] * inverse[d, c]
            inverse[a, c] = total / factor[a, a]
    shift = shifts[slot]
    total = 0.0
    for a in range(size):
        shift[a] = 0.0
        if simplex:
            for c in range(size):
                shift[a] += inverse[a, c]
            total += shift[a]
    if simplex:
        for a in range(size):
            for c in range(size):
                inverse[a, c] -= shift[a] * shift[c] / total
        for a in range(size):
            shift[a] /= total
    return True


@kernel
def _apply(table, slot, b, s):
    """Minimizer over a support, for members of it only."""
    _, sizes, members, inverses, shifts, _, _ = table
    size = sizes[slot]
    member = members[slot]
    inverse = inverses[slot]
    for a in range(size):
        total = shifts[slot, a]
        for c in range(size):
            total += inverse[a, c] * b[member[c]]
        s[member[a]] = total


@kernel
def _begin(A, b, simplex, dependent, passive, table, w, s):
    """Drop what is negative from the first support until nothing is."""
    n_variables = A.shape[0]
    for _ in range(n_variables):
        n_passive = 0
        for k in range(n_variables):
            w[k] = 0.0
            n_passive += passive[k]
        if n_passive == 0:
            break
        slot = _find(A, simplex, dependent, passive, table)
        if table[1][slot] < 0:
            for k in range(n_variables):
                passive[k] = False
            break
        _apply(table, slot, b, s)
        n_dropped = 0
        for k in range(n_variables):
            if passive[k]:
                if s[k] > 0.0:
                    w[k] = s[k]
                else:
                    passive[k] = False
                    n_dropped += 1
        if n_dropped == 0:
            return
    # No support is left: the empty one, or the best vertex of the simplex.
    for k in range(n_variables):
        w[k] = 0.0
        passive[k] = False
    if simplex:
        best = 0
        for k in range(n_variables):
            if A[k, k] / 2 - b[k] < A[best, best] / 2 - b[best]:
                best = k
        w[best] = 1.0
        passive[best] = True


@kernel
def _improve(A, b, simplex, tol, dependent, passive, table, w, s, g):
    """Go from a feasible point to the minimizer; return the remaining violation."""
    n_variables = A.shape[0]
    violation = np.inf
    for _ in range(20 * n_variables):
        blocked = -1
        step = 1.0
        n_passive = 0
        for k in range(n_variables):
            n_passive += passive[k]
        if n_passive:
            slot = _find(A, simplex, dependent, passive, table)
            _apply(table, slot, b, s)
            for k in range(n_variables):
                if passive[k] and s[k] <= 0.0:
                    ratio = w[k] / (w[k] - s[k]) if w[k] > 0.0 else 0.0
                    if blocked < 0 or ratio < step:
                        step = ratio
                        blocked = k
        if blocked >= 0:
            for k in range(n_variables):
                if passive[k]:
                    w[k] = max(w[k] + step * (s[k] - w[k]), 0.0)
            passive[blocked] = False
            w[blocked] = 0.0
            continue
        for k in range(n_variables):
            w[k] = s[k] if passive[k] else 0.0

        violation = _gradient(A, b, simplex, passive, w, g)
        if violation > tol and n_passive:
            # The map lost digits: one step of iterative refinement.
            member = table[2][slot]
            size = table[1][slot]
            for a in range(size):
                total = 0.0
                for c in range(size):
                    total += table[3][slot, a, c] * g[member[c]]
                w[member[a]] = max(w[member[a]] + total, 0.0)
            violation = _gradient(A, b, simplex, passive, w, g)
        entering = -1
        for k in range(n_variables):
            if not passive[k] and g[k] > tol:
                if entering < 0 or g[k] > g[entering]:
                    entering = k
                violation = max(violation, g[k])
        if entering < 0:
            break
        passive[entering] = True
        if table[1][_find(A, simplex, dependent, passive, table)] >= 0:
            continue
        # The column depends on the support: exchange it for one of its members.
        passive[entering] = False
        if n_passive == 0 or not _exchange(
            A, simplex, dependent, passive, table, w, s, g, entering
        ):
            break
    return violation


@kernel
def _gradient(A, b, simplex, passive, w, g):
    """Write descent per variable, less the multiplier; return the largest within."""
    n_variables = A.shape[0]
    for k in range(n_variables):
        g[k] = b[k]
    for j in range(n_variables):
        if passive[j]:
            for k in range(n_variables):
                g[k] -= A[j, k] * w[j]
    if simplex:
        multiplier = 0.0
        for k in range(n_variables):
            multiplier += w[k] * g[k]
        for k in range(n_variables):
            g[k] -= multiplier
    within = 0.0
    for k in range(n_variables):
        if passive[k]:
            within = max(within, abs(g[k]))
    return within


@kernel
def _exchange(A, simplex, dependent, passive, table, w, s, column, entering):
    """Move along the null direction until a member of the support reaches 0."""
    n_variables = A.shape[0]
    slot = _find(A, simplex, dependent, passive, table)
    for k in range(n_variables):
        column[k] = A[entering, k]
    _apply(table, slot, column, s)
    leaving = -1
    step = np.inf
    for k in range(n_variables):
        if passive[k] and s[k] > 0.0 and w[k] < step * s[k]:
            step = w[k] / s[k]
            leaving = k
    if leaving < 0:
        return False
    for k in range(n_variables):
        if passive[k]:
            w[k] = max(w[k] - step * s[k], 0.0)
    w[entering] = step
    w[leaving] = 0.0
    passive[entering] = True
    passive[leaving] = False
    return True
