# mypy: disallow-untyped-defs=False
"""Compiled active-set method for many small quadratic programs with one matrix.

The minimizer over a support is an affine map of the linear term. Rows share supports,
so each map is made once and kept in a table: a step then costs a small product. The
map of a support depends on nothing else, so that neither rows nor threads matter.

A support is the bits of a word, and its map has the slot of a hash of that.
"""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Numbers kept in the table of maps: 4 MB for each thread.
_TABLE_SIZE = 1 << 19
_MAX_BITS = 12
# Golden ratio, which spreads words evenly over the slots.
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
# Relative pivot below which the digits that an inverse loses are computed anew.
_DELICATE = 1e-3
_ONE = np.uint64(1)
_NONE = np.uint64(0)


@kernel(reassociate=True)
def solve_rows(A, B, offset, starts, simplex, tol, dependent, out, start, stop):
    """Minimize `w A w' / 2 - (B_i - offset) w'` over w >= 0 for rows of `B`.

    `starts` holds the words of the first supports, or one for all rows. Returns the
    largest violation of the optimality conditions, relative to the size of the row's
    problem.
    """
    n_variables = np.uint64(A.shape[0])
    bits = min(A.shape[0], _MAX_BITS)
    while bits > 4 and (1 << bits) * A.size > _TABLE_SIZE:
        bits -= 1
    n_slots = 1 << bits
    # Words of few variables are slots themselves.
    shift = np.uint64(64 - bits) if A.shape[0] > bits else _NONE
    words = np.zeros(n_slots, np.uint64)
    sizes = np.zeros(n_slots, np.int64)
    delicate = np.zeros(n_slots, np.bool_)
    members = np.empty((n_slots, A.shape[0]), np.uint64)
    maps = np.empty((n_slots, A.shape[0], A.shape[0]))
    shifts = np.empty((n_slots, A.shape[0]))
    work = np.empty((A.shape[0], A.shape[0]))
    b = np.empty(A.shape[0])
    w = np.empty(A.shape[0])
    s = np.empty(A.shape[0])
    g = np.empty(A.shape[0])

    size = 0.0
    for k in range(n_variables):
        size = max(size, A[k, k])
    worst = 0.0
    table = (words, sizes, delicate, members, maps, shifts, work)
    for i in range(np.uint64(start), np.uint64(stop)):
        scale = size
        for k in range(n_variables):
            b[k] = B[i, k] - offset[k]
            scale = max(scale, abs(b[k]))
        scale = scale if scale > 0.0 else 1.0
        word = starts[i] if starts.shape[0] > 1 else starts[0]
        feasible = False
        violation = np.inf
        # What every row needs is written out here: calls cost more than it does.
        for _ in range(20 * A.shape[0]):
            if simplex and word == _NONE:
                word = _best_vertex(A, b)
            slot = word if shift == _NONE else (word * _SPREAD) >> shift
            if words[slot] != word:
                _fill(slot, word, A, simplex, dependent, table)
            if sizes[slot] < 0:
                # Only the first support can be dependent; without it, anew.
                word = _NONE
                continue
            n_passive = np.uint64(sizes[slot])
            missing = 1.0
            for a in range(n_passive):
                total = 0.0
                for c in range(n_passive):
                    total += maps[slot, a, c] * b[members[slot, c]]
                total += shifts[slot, a]
                s[members[slot, a]] = total
                missing -= total
            if delicate[slot]:
                _refine(slot, A, b, simplex, tol * scale, s, g, table)
            elif simplex:
                # Rows far from the simplex leave rounding of their length in the sum.
                for a in range(n_passive):
                    s[members[slot, a]] += missing * shifts[slot, a]
            positive = _NONE
            for a in range(n_passive):
                k = members[slot, a]
                if s[k] > 0.0:
                    positive |= _ONE << k
            if positive != word:
                # Before the first feasible point all negatives go at once.
                word = (
                    _step(word, members[slot, :n_passive], w, s)
                    if feasible
                    else positive
                )
                continue
            feasible = True
            for k in range(n_variables):
                w[k] = s[k] if (word >> k) & _ONE else 0.0
            violation = _gradient(word, A, b, simplex, w, g)
            entering = n_variables
            largest = tol * scale
            for k in range(n_variables):
                if g[k] > largest and not (word >> k) & _ONE:
                    largest = g[k]
                    entering = np.uint64(k)
            if entering == n_variables:
                break
            violation = max(violation, largest)
            larger = _enter(word, entering, w, s, shift, A, simplex, dependent, table)
            if larger == word:
                break
            word = larger
        worst = max(worst, violation / scale)
        for k in range(n_variables):
            out[i, k] = w[k]
    return worst


@kernel
def _best_vertex(A, b):
    best = _NONE
    for k in range(np.uint64(A.shape[0])):
        if A[k, k] / 2 - b[k] < A[best, best] / 2 - b[best]:
            best = np.uint64(k)
    return _ONE << best


@kernel
def _gradient(word, A, b, simplex, w, g):
    """Write descent per variable, less the multiplier; return the largest within."""
    n_variables = np.uint64(A.shape[0])
    for k in range(n_variables):
        g[k] = b[k]
    for j in range(n_variables):
        weight = w[j]
        for k in range(n_variables):
            g[k] -= A[j, k] * weight
    multiplier = 0.0
    if simplex:
        for k in range(n_variables):
            multiplier += w[k] * g[k]
    within = 0.0
    for k in range(n_variables):
        g[k] -= multiplier
        if (word >> k) & _ONE:
            within = max(within, abs(g[k]))
    return within


@kernel
def _refine(slot, A, b, simplex, tol, s, g, table):
    """Take out what rounding of the map left of the sum and of the gradient."""
    _, sizes, _, members, maps, shifts, _ = table
    size = np.uint64(sizes[slot])
    for _ in range(5):
        if simplex:
            missing = 1.0
            for a in range(size):
                missing -= s[members[slot, a]]
            for a in range(size):
                s[members[slot, a]] += missing * shifts[slot, a]
        multiplier = 0.0
        for a in range(size):
            j = members[slot, a]
            g[j] = b[j]
            for c in range(size):
                g[j] -= A[j, members[slot, c]] * s[members[slot, c]]
            multiplier += g[j] / size if simplex else 0.0
        largest = 0.0
        for a in range(size):
            j = members[slot, a]
            g[j] -= multiplier
            largest = max(largest, abs(g[j]))
        if largest <= tol / 10:
            break
        for a in range(size):
            for c in range(size):
                s[members[slot, a]] += maps[slot, a, c] * g[members[slot, c]]


@kernel
def _step(word, members, w, s):
    """Move from `w` to `s`, or until a member is 0; return the support that is left."""
    leaving = _NONE
    step = np.inf
    for k in members:
        if s[k] <= 0.0:
            ratio = w[k] / (w[k] - s[k]) if w[k] > 0.0 else 0.0
            if ratio < step:
                step = ratio
                leaving = k
    for k in members:
        w[k] = max(w[k] + step * (s[k] - w[k]), 0.0)
    w[leaving] = 0.0
    return word & ~(_ONE << leaving)


@kernel
def _enter(word, entering, w, s, shift, A, simplex, dependent, table):
    """Add a variable to a support, or exchange it for a member if it depends on it.

    Returns the support itself if the exchange has no bound.
    """
    words, sizes, _, members, maps, shifts, _ = table
    larger = word | (_ONE << entering)
    slot = larger if shift == _NONE else (larger * _SPREAD) >> shift
    if words[slot] != larger:
        _fill(slot, larger, A, simplex, dependent, table)
    if sizes[slot] >= 0:
        return larger
    slot = word if shift == _NONE else (word * _SPREAD) >> shift
    if words[slot] != word:
        _fill(slot, word, A, simplex, dependent, table)
    # The null direction is the unit vector less the map of the column.
    size = np.uint64(sizes[slot])
    leaving = entering
    step = np.inf
    for a in range(size):
        k = members[slot, a]
        s[k] = shifts[slot, a]
        for c in range(size):
            s[k] += maps[slot, a, c] * A[entering, members[slot, c]]
        if s[k] > 0.0 and w[k] < step * s[k]:
            step = w[k] / s[k]
            leaving = k
    if leaving == entering:
        return word
    for a in range(size):
        k = members[slot, a]
        w[k] = max(w[k] - step * s[k], 0.0)
    w[leaving] = 0.0
    w[entering] = step
    return larger & ~(_ONE << leaving)


@kernel
def _fill(slot, word, A, simplex, dependent, table):
    """Make the map of a support; its size becomes -1 where columns depend."""
    words, sizes, delicate, members, maps, shifts, work = table
    words[slot] = word
    size = 0
    for k in range(np.uint64(A.shape[0])):
        if (word >> k) & _ONE:
            members[slot, size] = k
            size += 1
    inside = members[slot, :size]
    least = _invert(A, simplex, dependent, inside, maps[slot], shifts[slot], work)
    sizes[slot] = size if least > dependent else -1
    delicate[slot] = least < _DELICATE


@kernel
def _invert(A, simplex, dependent, members, inverse, shifts, work):
    """Invert `A` over the support by its Cholesky factor, and add the constraint.

    Rows are added to rows throughout, which vectorizes. Returns the smallest pivot,
    relative to its diagonal entry.
    """
    least = np.inf
    size = np.uint64(members.shape[0])
    # `work` becomes the transposed factor, then its inverse from below.
    for a in range(size):
        for c in range(size):
            work[a, c] = A[members[a], members[c]]
    for d in range(size):
        pivot = work[d, d]
        diagonal = A[members[d], members[d]]
        if not pivot > dependent * diagonal:
            return 0.0
        least = min(least, pivot / diagonal)
        scale = 1.0 / np.sqrt(pivot)
        for c in range(d, size):
            work[d, c] *= scale
        for a in range(d + _ONE, size):
            factor = work[d, a]
            for c in range(a, size):
                work[a, c] -= factor * work[d, c]
    # Rows of the inverse of the lower factor, in the place of the map.
    for a in range(size):
        for c in range(size):
            inverse[a, c] = 0.0
        inverse[a, a] = 1.0
        for d in range(a):
            factor = work[d, a]
            for c in range(d + _ONE):
                inverse[a, c] -= factor * inverse[d, c]
        scale = 1.0 / work[a, a]
        for c in range(a + _ONE):
            inverse[a, c] *= scale
    # Its product with its transpose: row d is needed by rows up to d only.
    for a in range(size):
        for c in range(size):
            work[a, c] = inverse[a, c]
    for a in range(size):
        for c in range(size):
            inverse[a, c] = 0.0
        for d in range(a, size):
            factor = work[d, a]
            for c in range(d + _ONE):
                inverse[a, c] += factor * work[d, c]
    total = 0.0
    for a in range(size):
        shift = 0.0
        if simplex:
            for c in range(size):
                shift += inverse[a, c]
        shifts[a] = shift
        total += shift
    if simplex:
        for a in range(size):
            factor = shifts[a] / total
            for c in range(size):
                inverse[a, c] -= factor * shifts[c]
        for a in range(size):
            shifts[a] /= total
    return least
