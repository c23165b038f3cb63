# mypy: ignore-errors
"""Compiled random walks.

All random numbers are counted off: each is a function of the seed, the source, the walk
and the step. Walks may so be run in any order and in any place. `_halting_key`,
`_repelling_key`, `_draw` and `_pick` make a step, in whole graphs as in parts.

A graph is a tuple `(indptr, indices, cumulative, alias, ratios)`, and rules are
`(n_walks, halt, coupling, seed)`, see `_random_walks`.
"""

import numpy as np

from sklearn_manifold_reg.utils._numba import kernel

# Increment, shifts and multipliers of the generator splitmix64.
_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_MULTIPLIERS = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
_SHIFTS = (np.uint64(30), np.uint64(27), np.uint64(31))

_ONE = np.uint64(1)
_HALF = np.uint64(1 << 63)
_WORD = np.uint64(32)
_LOW_WORD = np.uint64((1 << 32) - 1)
_UNIT = 2.0**-53
_GOLDEN_SECTION = 0.6180339887498949

_ANTITHETIC = 1
_REPELLING = 2
_REINFORCED = 3

# Walks that run side by side: memory is asked for many nodes at a time.
_SIDE_BY_SIDE = 128
_FIRST_SIZE = 4096
_DIGIT = 8


@kernel
def _mix(z):
    z = (z ^ (z >> _SHIFTS[0])) * _MULTIPLIERS[0]
    z = (z ^ (z >> _SHIFTS[1])) * _MULTIPLIERS[1]
    return z ^ (z >> _SHIFTS[2])


@kernel
def _draw(key, counter):
    """Uniform number of 64 bits."""
    return _mix(key + (np.uint64(counter) + _ONE) * _GOLDEN)


@kernel
def _subkey(key, number):
    """Key below a key: of a source below the seed, of a walk below its source."""
    return _mix(_draw(key, number))


@kernel
def _halting_key(source_key, walk, coupling):
    """Give both walks of a pair one key."""
    if coupling == _ANTITHETIC:
        walk -= walk & 1
    return _subkey(source_key, walk)


@kernel
def _halting_shift(walk, coupling):
    """Keep the numbers of a pair half of all apart."""
    return _HALF if coupling == _ANTITHETIC and walk & 1 else np.uint64(0)


@kernel
def _repelling_key(source_key, node, counter):
    """Uniform number that all walks of a source which are at a node together shift."""
    return _subkey(_subkey(source_key, ~np.uint64(node)), counter)


@kernel
def _stride(size):
    """Find a number near the golden section of a size, and prime to it.

    In such strides any few walks in a row, which may have come together, spread evenly.
    """
    stride = max(1, np.int64(size * _GOLDEN_SECTION))
    while True:
        a = size
        b = stride
        while b:
            a, b = b, a % b
        if a == 1:
            return stride
        stride += 1


@kernel
def _repelling_shift(rank, size, stride):
    """Shift of walk `rank` of `size`: shifts are multiples of 1 / size."""
    if size == 1:
        return np.uint64(0)
    spacing = ~np.uint64(0) // np.uint64(size)
    return np.uint64(rank * stride % size) * spacing


@kernel
def _slot(number, degree):
    """Product of a uniform number and a degree: slot in the high word, share below."""
    low = ((number & _LOW_WORD) * degree) >> _WORD
    return (number >> _WORD) * degree + low


@kernel
def _bisect(number, cumulative, begin, degree):
    """Entry of a node that a uniform number falls on."""
    share = np.float64(number >> np.uint64(11)) * _UNIT
    while degree > _ONE:
        half = degree >> _ONE
        begin += half * np.uint64(cumulative[begin + half - _ONE] <= share)
        degree -= half
    return begin


@kernel
def _pick(number, graph, begin, degree):
    """Entry that a uniform number falls on among those of a node, and its node."""
    _, indices, cumulative, alias, _ = graph
    if cumulative.shape[0]:
        entry = _bisect(number, cumulative, begin, degree)
        return entry, indices[entry]
    product = _slot(number, degree)
    entry = begin + (product >> _WORD)
    if alias.shape[0] and (product & _LOW_WORD) >= (alias[entry] >> _WORD):
        return entry, np.int32(alias[entry] & _LOW_WORD)
    return entry, indices[entry]


@kernel
def _larger(array, size):
    result = np.empty(max(size, 2 * array.shape[0]), dtype=array.dtype)
    result[: array.shape[0]] = array
    return result


@kernel
def _spread_walks(active, alive, place, owner, group_sizes, ranks, shifts):
    """Shift walks of one source at one node; `group_sizes` is 0 before and after."""
    last_size = 1
    stride = 1
    first = 0
    while first < alive:
        source = owner[np.uint32(active[first])]
        last = first
        while last < alive and owner[np.uint32(active[last])] == source:
            u = place[np.uint32(active[last])]
            ranks[last] = group_sizes[u]
            group_sizes[u] += 1
            last += 1
        for s in range(first, last):
            size = np.int64(group_sizes[place[np.uint32(active[s])]])
            if size != last_size:
                last_size = size
                stride = _stride(size)
            shifts[s] = _repelling_shift(ranks[s], size, stride)
        for s in range(first, last):
            group_sizes[place[np.uint32(active[s])]] = 0
        first = last


@kernel
def _halt_walks(active, alive, numbers, halt):
    """Keep the walks that go on, in their order, and count them."""
    kept = 0
    for s in range(alive):
        active[kept] = active[s]
        kept += np.int64(numbers[s] >= halt)
    return kept


@kernel
def _draw_for_walks(active, alive, keys, counter, numbers):
    """Draw independent numbers, each by the key of its walk."""
    for s in range(alive):
        numbers[s] = _draw(keys[np.uint32(active[s])], counter)


@kernel
def _repel(
    active, alive, place, origin, owner, source_keys, counter, group_sizes, ranks,
    numbers,
):  # fmt: skip
    """Draw equally spaced numbers for the walks of one source at one node.

    Before the first step that is the source, whose number is in `origin`.
    """
    _spread_walks(active, alive, place, owner, group_sizes, ranks, numbers)
    for s in range(alive):
        a = np.uint32(active[s])
        i = owner[a]
        u = np.uint64(place[a]) if origin.shape[0] == 0 else origin[i]
        numbers[s] += _repelling_key(source_keys[i], u, counter)


@kernel
def _move_walks(graph, active, alive, numbers, place, load, coefficient, stream, count):
    """Take one step, and write the visits down."""
    indptr, indices, cumulative, alias, ratios = graph
    walker, node, deposit = stream
    # Rows of all walks are fetched before the first entry is asked for.
    begin = np.empty(alive, dtype=np.uint64)
    degree = np.empty(alive, dtype=np.uint64)
    entries = np.empty(alive, dtype=np.uint64)
    for s in range(alive):
        u = place[np.uint32(active[s])]
        begin[s] = indptr[u]
        degree[s] = np.uint64(indptr[u + np.uint32(1)]) - begin[s]
    # One loop for each rule: what does not depend on the walk is decided outside.
    if cumulative.shape[0]:
        for s in range(alive):
            entry = _bisect(numbers[s], cumulative, begin[s], degree[s])
            entries[s] = entry
            node[count + s] = indices[entry]
    elif alias.shape[0]:
        for s in range(alive):
            product = _slot(numbers[s], degree[s])
            entry = begin[s] + (product >> _WORD)
            pair = alias[entry]
            own = (product & _LOW_WORD) < (pair >> _WORD)
            other = np.int32(pair & _LOW_WORD)
            node[count + s] = indices[entry] if own else other
    else:
        for s in range(alive):
            entry = begin[s] + (_slot(numbers[s], degree[s]) >> _WORD)
            entries[s] = entry
            node[count + s] = indices[entry]
    for s in range(alive):
        a = np.uint32(active[s])
        if ratios.shape[0]:
            load[a] *= ratios[entries[s]]
        place[a] = node[count + s]
        walker[count + s] = a
        deposit[count + s] = coefficient * load[a]


@kernel
def _record(graph, first, keys, coefficients, rules, start, stop, group_sizes, stream):
    """Run the walks of sources `start` to `stop` side by side.

    Returns the stream of visits (walk, node, deposit), which may have moved to larger
    arrays, and its length, which is the number of steps.
    """
    n_walks, halt, coupling, seed = rules
    walker, node, deposit = stream
    n_walkers = (stop - start) * n_walks
    active = np.empty(n_walkers, dtype=np.int32)
    owner = np.empty(n_walkers, dtype=np.uint32)
    source_keys = np.empty(stop - start, dtype=np.uint64)
    halting_keys = np.empty(n_walkers, dtype=np.uint64)
    shifts = np.zeros(n_walkers, dtype=np.uint64)
    moving_keys = np.empty(n_walkers, dtype=np.uint64)
    numbers = np.empty(n_walkers, dtype=np.uint64)
    place = np.empty(n_walkers, dtype=np.uint32)
    load = np.ones(n_walkers)
    ranks = np.empty(n_walkers, dtype=np.int64)
    alive = 0
    for i in range(start, stop):
        source_key = _subkey(seed, keys[i])
        source_keys[i - start] = source_key
        for w in range(n_walks):
            a = (i - start) * n_walks + w
            owner[a] = i - start
            halting_keys[a] = _halting_key(source_key, w, coupling)
            shifts[a] = _halting_shift(w, coupling)
            moving_keys[a] = _subkey(source_key, w)
            place[a] = i
            if first[0][i + 1] > first[0][i]:
                active[alive] = a
                alive += 1
    count = 0
    for step in range(coefficients.shape[0] - 1):
        origin = keys[start:stop] if step == 0 else keys[:0]
        if coupling == _REPELLING:
            _repel(
                active, alive, place, origin, owner, source_keys, 2 * step,
                group_sizes, ranks, numbers,
            )  # fmt: skip
        else:
            _draw_for_walks(active, alive, halting_keys, 2 * step, numbers)
        if coupling == _ANTITHETIC:
            for s in range(alive):
                numbers[s] += shifts[np.uint32(active[s])]
        alive = _halt_walks(active, alive, numbers, halt)
        if alive == 0:
            break
        if count + alive > walker.shape[0]:
            walker = _larger(walker, count + alive)
            node = _larger(node, count + alive)
            deposit = _larger(deposit, count + alive)
        if coupling == _REPELLING:
            _repel(
                active, alive, place, origin, owner, source_keys, 2 * step + 1,
                group_sizes, ranks, numbers,
            )  # fmt: skip
        else:
            _draw_for_walks(active, alive, moving_keys, 2 * step + 1, numbers)
        stream = (walker, node, deposit)
        coefficient = coefficients[step + 1]
        if step == 0:
            _move_walks(
                first, active, alive, numbers, place, load, coefficient, stream, count
            )
        else:
            _move_walks(
                graph, active, alive, numbers, place, load, coefficient, stream, count
            )
        count += alive
    return (walker, node, deposit), count


@kernel
def _share(cumulative, begin, entry, degree):
    """Probability of an entry by the rule of transition."""
    if cumulative.shape[0] == 0:
        return 1.0 / degree
    before = cumulative[entry - 1] if entry > begin else 0.0
    return min(cumulative[entry], 1.0) - before


@kernel
def _record_reinforced(
    graph, first, keys, coefficients, rules, start, stop, uses, stream
):
    """Run the walks of each source one after another, away from edges used before."""
    n_walks, halt, _, seed = rules
    walker, node, deposit = stream
    length = coefficients.shape[0]
    # Entries used by the walk itself, and by all walks of the source.
    path = np.empty(length, dtype=np.int64)
    touched = np.empty(_FIRST_SIZE, dtype=np.int64)
    widest = 0
    for i in range(start, stop):
        widest = max(widest, first[0][i + 1] - first[0][i])
    first_uses = np.zeros(widest, dtype=np.int32)
    count = 0
    for i in range(start, stop):
        n_touched = 0
        source_key = _subkey(seed, keys[i])
        first_uses[:] = 0
        if first[0][i + 1] == first[0][i]:
            continue
        for w in range(n_walks):
            key = _subkey(source_key, w)
            u = i
            load = 1.0
            n_moves = 0
            for step in range(length - 1):
                if _draw(key, 2 * step) < halt:
                    break
                here = first if step == 0 else graph
                used = first_uses if step == 0 else uses
                begin = np.int64(here[0][u])
                stop_entry = np.int64(here[0][u + 1])
                degree = stop_entry - begin
                offset = begin if step == 0 else 0
                total = 0.0
                for e in range(begin, stop_entry):
                    share = _share(here[2], begin, e, degree)
                    total += share / (1 + used[e - offset])
                number = _draw(key, 2 * step + 1)
                left = total * (np.float64(number >> np.uint64(11)) * _UNIT)
                entry = begin
                for e in range(begin, stop_entry):
                    share = _share(here[2], begin, e, degree)
                    # Rounding may leave something beyond the last entry.
                    if share > 0:
                        entry = e
                    left -= share / (1 + used[e - offset])
                    if left < 0:
                        break
                load *= total * (1 + used[entry - offset])
                if here[4].shape[0]:
                    load *= here[4][entry]
                u = np.int64(here[1][entry])
                path[step] = entry
                n_moves += 1
                if count == walker.shape[0]:
                    walker = _larger(walker, count + 1)
                    node = _larger(node, count + 1)
                    deposit = _larger(deposit, count + 1)
                walker[count] = (i - start) * n_walks + w
                node[count] = u
                deposit[count] = coefficients[step + 1] * load
                count += 1
            if n_touched + n_moves > touched.shape[0]:
                touched = _larger(touched, n_touched + n_moves)
            for step in range(n_moves):
                if step == 0:
                    first_uses[path[0] - np.int64(first[0][i])] += 1
                else:
                    uses[path[step]] += 1
                    touched[n_touched] = path[step]
                    n_touched += 1
        for k in range(n_touched):
            uses[touched[k]] = 0
    return (walker, node, deposit), count


@kernel
def _by_walk(stream, count, n_walkers, ends, visits):
    """Order a stream by walk and, as it stands, by step; walk a ends at `ends[a]`."""
    walker, node, deposit = stream
    nodes, deposits = visits
    if nodes.shape[0] < count:
        nodes = np.empty(node.shape[0], dtype=node.dtype)
        deposits = np.empty(node.shape[0])
    ends[: n_walkers + 1] = 0
    for k in range(count):
        ends[np.uint32(walker[k]) + np.uint32(1)] += 1
    for a in range(n_walkers):
        ends[a + 1] += ends[a]
    for k in range(count):
        a = np.uint32(walker[k])
        to = np.uint64(ends[a])
        ends[a] += 1
        nodes[to] = node[k]
        deposits[to] = deposit[k]
    return nodes, deposits


@kernel
def _sort_by_node(visits, low, high, n_bits, spare, counts):
    """Sort visits `low` to `high`, keeping the order at each node."""
    nodes, deposits = visits
    spare_nodes, spare_deposits = spare
    mask = np.uint32((1 << _DIGIT) - 1)
    for shift in range(0, n_bits, _DIGIT):
        by = np.uint32(shift)
        counts[:] = 0
        for k in range(low, high):
            counts[((np.uint32(nodes[k]) >> by) & mask) + np.uint32(1)] += 1
        for d in range(counts.shape[0] - 1):
            counts[d + 1] += counts[d]
        for k in range(low, high):
            d = (np.uint32(nodes[k]) >> by) & mask
            to = np.uint64(counts[d])
            counts[d] += 1
            spare_nodes[to] = nodes[k]
            spare_deposits[to] = deposits[k]
        nodes[low:high] = spare_nodes[: high - low]
        deposits[low:high] = spare_deposits[: high - low]


@kernel
def _write_row(source, start_deposit, visits, low, high, scale, columns, out, filled):
    """Sum sorted visits by node, after the deposit at the source, which is a node."""
    nodes, deposits = visits
    inverse_roots, column_of = columns
    out_columns, out_values = out
    k = low
    pending = start_deposit != 0
    while k < high or pending:
        v = np.uint32(nodes[k]) if k < high else np.uint32(source)
        total = 0.0
        if pending and source <= v:
            v = np.uint32(source)
            total = start_deposit
            pending = False
        while k < high and np.uint32(nodes[k]) == v:
            total += deposits[k]
            k += 1
        column = np.int32(v) if column_of.shape[0] == 0 else column_of[v]
        if column >= 0:
            out_columns[filled] = column
            out_values[filled] = total * scale * inverse_roots[v]
            filled += 1
    return filled


@kernel
def _n_bits(n):
    bits = 0
    while n >> bits:
        bits += 1
    return bits


@kernel
def walk_rows(
    graph,
    first,
    keys,
    coefficients,
    rules,
    scales,
    isolated,
    columns,
    scratch,
    lengths,
    out,
    start,
    stop,
):
    """Write feature rows from `start` on, as many as fit; return where that ended.

    Also returns the number of entries and of steps. `scratch` holds zeros, and does
    in the end: one for each node, or each entry where walks are reinforced.
    """
    n_walks = rules[0]
    n_bits = _n_bits(columns[0].shape[0])
    block = max(1, _SIDE_BY_SIDE // n_walks)
    ends = np.empty(block * n_walks + 1, dtype=np.int64)
    counts = np.empty((1 << _DIGIT) + 1, dtype=np.int64)
    some = np.empty(_FIRST_SIZE, dtype=np.int32)
    stream = (some, some.copy(), np.empty(_FIRST_SIZE))
    visits = (some.copy(), np.empty(_FIRST_SIZE))
    spare = (some.copy(), np.empty(_FIRST_SIZE))
    filled = 0
    total_steps = 0
    for low_row in range(start, stop, block):
        high_row = min(stop, low_row + block)
        if rules[2] == _REINFORCED:
            stream, count = _record_reinforced(
                graph, first, keys, coefficients, rules, low_row, high_row, scratch,
                stream,
            )  # fmt: skip
        else:
            stream, count = _record(
                graph, first, keys, coefficients, rules, low_row, high_row, scratch,
                stream,
            )  # fmt: skip
        if filled + count + high_row - low_row > out[0].shape[0]:
            return low_row, filled, total_steps
        total_steps += count
        visits = _by_walk(stream, count, (high_row - low_row) * n_walks, ends, visits)
        if spare[0].shape[0] < visits[0].shape[0]:
            spare = (np.empty_like(visits[0]), np.empty_like(visits[1]))
        low = 0
        for i in range(low_row, high_row):
            before = filled
            high = ends[(i - low_row + 1) * n_walks - 1]
            _sort_by_node(visits, low, high, n_bits, spare, counts)
            alone = first[0][i + 1] == first[0][i]
            start_deposit = isolated if alone else coefficients[0] * n_walks
            filled = _write_row(
                i, start_deposit, visits, low, high, scales[i], columns, out, filled
            )
            lengths[i] = filled - before
            low = high
    return stop, filled, total_steps


@kernel
def walk_products(
    graph, first, keys, coefficients, rules, scales, B, scratch, means, errors,
    start, stop,
):  # fmt: skip
    """Average what the walks collect of a block B, with standard errors.

    B is divided by the roots of degrees already. Rows of `means` hold the deposits of
    the start on entry.
    """
    n_walks = rules[0]
    coupling = rules[2]
    together = 2 if coupling == _ANTITHETIC else 1
    n_samples = n_walks // together
    n_outputs = B.shape[1]
    block = max(1, _SIDE_BY_SIDE // n_walks)
    ends = np.empty(block * n_walks + 1, dtype=np.int64)
    some = np.empty(_FIRST_SIZE, dtype=np.int32)
    stream = (some, some.copy(), np.empty(_FIRST_SIZE))
    visits = (some.copy(), np.empty(_FIRST_SIZE))
    samples = np.empty((n_samples, n_outputs))
    total_steps = 0
    for low_row in range(start, stop, block):
        high_row = min(stop, low_row + block)
        if rules[2] == _REINFORCED:
            stream, count = _record_reinforced(
                graph, first, keys, coefficients, rules, low_row, high_row, scratch,
                stream,
            )  # fmt: skip
        else:
            stream, count = _record(
                graph, first, keys, coefficients, rules, low_row, high_row, scratch,
                stream,
            )  # fmt: skip
        total_steps += count
        visits = _by_walk(stream, count, (high_row - low_row) * n_walks, ends, visits)
        nodes, deposits = visits
        low = 0
        for i in range(low_row, high_row):
            samples[:] = 0
            for s in range(n_samples):
                high = ends[(i - low_row) * n_walks + (s + 1) * together - 1]
                for k in range(low, high):
                    v = np.uint32(nodes[k])
                    for c in range(n_outputs):
                        samples[s, c] += deposits[k] * B[v, c]
                low = high
            scale = scales[i] * n_samples
            for c in range(n_outputs):
                mean = 0.0
                for s in range(n_samples):
                    mean += samples[s, c]
                mean /= n_samples
                square = 0.0
                for s in range(n_samples):
                    square += (samples[s, c] - mean) ** 2
                means[i, c] += scale * mean
                errors[i, c] = scale * np.sqrt(square / n_samples / (n_samples - 1))
    return total_steps


@kernel
def _spread_queued(active, alive, source, place, shifts):
    """Shift queued walks of one source at one node, which come in a row."""
    first = 0
    for s in range(1, alive + 1):
        p = active[first]
        q = active[min(s, alive - 1)]
        if s == alive or source[p] != source[q] or place[p] != place[q]:
            stride = _stride(s - first)
            for r in range(first, s):
                shifts[r] = _repelling_shift(r - first, s - first, stride)
            first = s


@kernel
def advance_walks(graph, names, n_own, queue, coefficients, rules, visits):
    """Run queued walks on rows of a part until they halt or leave.

    Nodes have local numbers, those of the part first; `names` are their numbers in the
    whole graph. `status` becomes 0 for walks that halted and 1 for others, whose place,
    step and load are brought up to date. Repelling walks take one step only, and come
    sorted by source, place and walk. Returns the visits (source, node, walk, step,
    deposit), which may have moved to larger arrays, and their number.
    """
    _, halt, coupling, seed = rules
    source, place, walk, step, load, status = queue
    sources, nodes, walks, steps, deposits = visits
    last = coefficients.shape[0] - 1
    active = np.arange(source.shape[0])
    alive = source.shape[0]
    shifts = np.zeros(alive, dtype=np.uint64)
    count = 0
    while alive > 0:
        kept = 0
        if coupling == _REPELLING:
            _spread_queued(active, alive, source, place, shifts)
        for s in range(alive):
            q = active[s]
            source_key = _subkey(seed, source[q])
            if coupling == _REPELLING:
                u = names[np.uint32(place[q])]
                number = _repelling_key(source_key, u, 2 * step[q]) + shifts[s]
            else:
                key = _halting_key(source_key, walk[q], coupling)
                number = _draw(key, 2 * step[q]) + _halting_shift(walk[q], coupling)
            status[q] = step[q] < last and number >= halt
            active[kept] = q
            kept += np.int64(status[q])
        alive = kept
        if count + alive > sources.shape[0]:
            sources = _larger(sources, count + alive)
            nodes = _larger(nodes, count + alive)
            walks = _larger(walks, count + alive)
            steps = _larger(steps, count + alive)
            deposits = _larger(deposits, count + alive)
        if coupling == _REPELLING:
            _spread_queued(active, alive, source, place, shifts)
        kept = 0
        for s in range(alive):
            q = active[s]
            u = np.uint32(place[q])
            source_key = _subkey(seed, source[q])
            if coupling == _REPELLING:
                key = _repelling_key(source_key, names[u], 2 * step[q] + 1)
                number = key + shifts[s]
            else:
                number = _draw(_subkey(source_key, walk[q]), 2 * step[q] + 1)
            begin = np.uint64(graph[0][u])
            degree = np.uint64(graph[0][u + np.uint32(1)]) - begin
            entry, v = _pick(number, graph, begin, degree)
            if graph[4].shape[0]:
                load[q] *= graph[4][entry]
            place[q] = v
            step[q] += 1
            sources[count] = source[q]
            nodes[count] = names[np.uint32(v)]
            walks[count] = walk[q]
            steps[count] = step[q]
            deposits[count] = coefficients[step[q]] * load[q]
            count += 1
            active[kept] = q
            kept += np.int64(v < n_own)
        alive = 0 if coupling == _REPELLING else kept
    return (sources, nodes, walks, steps, deposits), count
