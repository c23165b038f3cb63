# mypy: disallow-untyped-defs=False
"""Compiled active-set method for many small quadratic programs with one matrix.

The minimizer over a support is an affine map of the linear term. Rows share supports,
so each map is made once and kept in a table: a step then costs a small product. The
map of a support depends on nothing else, so that neither rows nor threads matter.
"""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Numbers kept in the table of maps: 4 MB for each thread.
_TABLE_SIZE = 1 << 19
_MAX_BITS = 12
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
    bits = min(n_variables, _MAX_BITS)
    while bits > 4 and (1 << bits) * n_variables * n_variables > _TABLE_SIZE:
        bits -= 1
    n_slots = 1 << bits
    keys = np.zeros(n_slots, np.uint64)
    sizes = np.zeros(n_slots, np.int64)
    members = np.empty((n_slots, n_variables), np.uint32)
    maps = np.empty((n_slots, n_variables, n_variables))
    shifts = np.empty((n_slots, n_variables))
    work = np.empty((n_variables, n_variables))
    b = np.empty(n_variables)
    w = np.empty(n_variables)
    s = np.empty(n_variables)
    g = np.empty(n_variables)
    passive = np.empty(n_variables, np.bool_)

    size = 0.0
    for k in range(np.uint32(n_variables)):
        size = max(size, A[k, k])
    worst = 0.0
    for i in range(np.uint64(start), np.uint64(stop)):
        scale = size
        row = i if starts.shape[0] > 1 else np.uint64(0)
        for k in range(np.uint32(n_variables)):
            b[k] = B[i, k] - offset[k]
            scale = max(scale, abs(b[k]))
            passive[k] = starts[row, k]
        if scale == 0.0:
            scale = 1.0
        _begin(
            b,
            passive,
            w,
            s,
            A,
            simplex,
            dependent,
            keys,
            sizes,
            members,
            maps,
            shifts,
            work,
            bits,
        )
        violation = _improve(
            b,
            tol * scale,
            passive,
            w,
            s,
            g,
            A,
            simplex,
            dependent,
            keys,
            sizes,
            members,
            maps,
            shifts,
            work,
            bits,
        )
        worst = max(worst, violation / scale)
        for k in range(np.uint32(n_variables)):
            out[i, k] = w[k]
    return worst


@kernel
def _begin(
    b,
    passive,
    w,
    s,
    A,
    simplex,
    dependent,
    keys,
    sizes,
    members,
    maps,
    shifts,
    work,
    bits,
):
    """Drop what is negative from the first support until `w` minimizes over it."""
    n_variables = np.uint32(A.shape[0])
    n_passive = 0
    for k in range(n_variables):
        n_passive += passive[k]
    while n_passive > 0:
        slot = _find(
            passive,
            A,
            simplex,
            dependent,
            keys,
            sizes,
            members,
            maps,
            shifts,
            work,
            bits,
        )
        if sizes[slot] < 0:
            break
        _apply(slot, b, s, sizes, members, maps, shifts)
        n_kept = 0
        for k in range(n_variables):
            w[k] = s[k] if passive[k] and s[k] > 0.0 else 0.0
            passive[k] = w[k] > 0.0
            n_kept += passive[k]
        if n_kept == n_passive:
            return
        n_passive = n_kept
    # No support is left: the empty one, or the best vertex of the simplex.
    for k in range(n_variables):
        w[k] = 0.0
        passive[k] = False
    if simplex:
        best = np.uint32(0)
        for k in range(n_variables):
            if A[k, k] / 2 - b[k] < A[best, best] / 2 - b[best]:
                best = k
        w[best] = 1.0
        passive[best] = True


@kernel
def _improve(
    b,
    tol,
    passive,
    w,
    s,
    g,
    A,
    simplex,
    dependent,
    keys,
    sizes,
    members,
    maps,
    shifts,
    work,
    bits,
):
    """Go from a feasible point to the minimizer; return the remaining violation."""
    n_variables = np.uint32(A.shape[0])
    violation = np.inf
    stationary = True
    for _ in range(20 * n_variables):
        if not stationary:
            slot = _find(
                passive,
                A,
                simplex,
                dependent,
                keys,
                sizes,
                members,
                maps,
                shifts,
                work,
                bits,
            )
            _apply(slot, b, s, sizes, members, maps, shifts)
            if not _step(passive, w, s):
                continue
        violation = _gradient(A, b, simplex, passive, w, g)
        if violation > tol:
            # The map lost digits: one step of iterative refinement.
            slot = _find(
                passive,
                A,
                simplex,
                dependent,
                keys,
                sizes,
                members,
                maps,
                shifts,
                work,
                bits,
            )
            _refine(slot, w, g, sizes, members, maps)
            violation = _gradient(A, b, simplex, passive, w, g)
        entering = n_variables
        for k in range(n_variables):
            if not passive[k] and g[k] > tol:
                if entering == n_variables or g[k] > g[entering]:
                    entering = k
                violation = max(violation, g[k])
        if entering == n_variables:
            break
        passive[entering] = True
        stationary = False
        if (
            sizes[
                _find(
                    passive,
                    A,
                    simplex,
                    dependent,
                    keys,
                    sizes,
                    members,
                    maps,
                    shifts,
                    work,
                    bits,
                )
            ]
            >= 0
        ):
            continue
        # The column depends on the support: exchange it for a member of that.
        passive[entering] = False
        slot = _find(
            passive,
            A,
            simplex,
            dependent,
            keys,
            sizes,
            members,
            maps,
            shifts,
            work,
            bits,
        )
        for k in range(n_variables):
            g[k] = A[entering, k]
        _apply(slot, g, s, sizes, members, maps, shifts)
        if not _exchange(passive, w, s, entering):
            break
    return violation


@kernel
def _step(passive, w, s):
    """Move from `w` to `s`, or until a member is 0; tell whether `s` was reached."""
    n_variables = np.uint32(w.shape[0])
    leaving = n_variables
    step = 1.0
    for k in range(n_variables):
        if passive[k] and s[k] <= 0.0:
            ratio = w[k] / (w[k] - s[k]) if w[k] > 0.0 else 0.0
            if leaving == n_variables or ratio < step:
                step = ratio
                leaving = k
    if leaving == n_variables:
        for k in range(n_variables):
            w[k] = s[k] if passive[k] else 0.0
        return True
    for k in range(n_variables):
        if passive[k]:
            w[k] = max(w[k] + step * (s[k] - w[k]), 0.0)
    passive[leaving] = False
    w[leaving] = 0.0
    return False


@kernel
def _exchange(passive, w, s, entering):
    """Move along the null direction until a member of the support reaches 0."""
    n_variables = np.uint32(w.shape[0])
    leaving = n_variables
    step = np.inf
    for k in range(n_variables):
        if passive[k] and s[k] > 0.0 and w[k] < step * s[k]:
            step = w[k] / s[k]
            leaving = k
    if leaving == n_variables:
        return False
    for k in range(n_variables):
        if passive[k]:
            w[k] = max(w[k] - step * s[k], 0.0)
    w[entering] = step
    w[leaving] = 0.0
    passive[entering] = True
    passive[leaving] = False
    return True


@kernel
def _gradient(A, b, simplex, passive, w, g):
    """Write descent per variable, less the multiplier; return the largest within."""
    n_variables = np.uint32(A.shape[0])
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


@kernel(reassociate=True)
def _apply(slot, b, s, sizes, members, maps, shifts):
    """Minimizer over the support in a slot, for its members only."""
    size = np.uint32(sizes[slot])
    for a in range(size):
        total = 0.0
        for c in range(size):
            total += maps[slot, a, c] * b[members[slot, c]]
        s[members[slot, a]] = shifts[slot, a] + total


@kernel(reassociate=True)
def _refine(slot, w, g, sizes, members, maps):
    size = np.uint32(sizes[slot])
    for a in range(size):
        total = 0.0
        for c in range(size):
            total += maps[slot, a, c] * g[members[slot, c]]
        k = members[slot, a]
        w[k] = max(w[k] + total, 0.0)


@kernel
def _find(
    passive, A, simplex, dependent, keys, sizes, members, maps, shifts, work, bits
):
    """Slot of the map of a support; its size there is -1 where columns depend."""
    n_variables = np.uint32(A.shape[0])
    slot = np.uint64(0)
    if n_variables <= _WORD:
        key = np.uint64(0)
        for k in range(n_variables):
            key |= np.uint64(passive[k]) << np.uint64(k)
        slot = key
        if n_variables > bits:
            slot = (key * _SPREAD) >> np.uint64(64 - bits)
        if keys[slot] == key:
            return slot
        keys[slot] = key
    size = np.uint32(0)
    for k in range(n_variables):
        if passive[k]:
            members[slot, size] = k
            size += np.uint32(1)
    sizes[slot] = size
    if not _fill(slot, A, simplex, dependent, sizes, members, maps, shifts, work):
        sizes[slot] = -1
    return slot


@kernel
def _fill(slot, A, simplex, dependent, sizes, members, maps, shifts, work):
    """Invert `A` over the support by its Cholesky factor, and add the constraint.

    Rows are added to rows throughout, which vectorizes.
    """
    size = np.uint32(sizes[slot])
    one = np.uint32(1)
    # `work` becomes the transposed factor, then its inverse from below.
    for a in range(size):
        for c in range(size):
            work[a, c] = A[members[slot, a], members[slot, c]]
    for d in range(size):
        pivot = work[d, d]
        if not pivot > dependent * A[members[slot, d], members[slot, d]]:
            return False
        scale = 1.0 / np.sqrt(pivot)
        for c in range(d, size):
            work[d, c] *= scale
        for a in range(d + one, size):
            factor = work[d, a]
            for c in range(a, size):
                work[a, c] -= factor * work[d, c]
    # Rows of the inverse of the lower factor, in the place of the map.
    for a in range(size):
        for c in range(size):
            maps[slot, a, c] = 0.0
        maps[slot, a, a] = 1.0
        for d in range(a):
            factor = work[d, a]
            for c in range(d + one):
                maps[slot, a, c] -= factor * maps[slot, d, c]
        scale = 1.0 / work[a, a]
        for c in range(a + one):
            maps[slot, a, c] *= scale
    # Its product with its transpose: row d is needed by rows up to d only.
    for a in range(size):
        for c in range(size):
            work[a, c] = maps[slot, a, c]
    for a in range(size):
        for c in range(size):
            maps[slot, a, c] = 0.0
        for d in range(a, size):
            factor = work[d, a]
            for c in range(d + one):
                maps[slot, a, c] += factor * work[d, c]
    total = 0.0
    for a in range(size):
        shift = 0.0
        if simplex:
            for c in range(size):
                shift += maps[slot, a, c]
        shifts[slot, a] = shift
        total += shift
    if simplex:
        for a in range(size):
            factor = shifts[slot, a] / total
            for c in range(size):
                maps[slot, a, c] -= factor * shifts[slot, c]
        for a in range(size):
            shifts[slot, a] /= total
    return True
