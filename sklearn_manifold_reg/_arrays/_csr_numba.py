# mypy: ignore-errors
"""Compiled products of a CSR matrix with a block of columns.

A row of the product is a sum of a few gathered rows of the block. LLVM cannot prove
that the block and the result do not overlap, so a plain loop stores every partial
sum; `_add_rows` keeps the sums of up to 2 x 16 columns in vector registers and asks
for the rows of the block some entries ahead.
"""

import numpy as np
from numba.core import cgutils, config, types
from numba.extending import intrinsic

from sklearn_manifold_reg.utils._numba import kernel

# Entries between a prefetch and its use: about the latency of the last-level cache
# in units of one entry's work.
_AHEAD = 24


def _add_rows_python(
    indices, data, first, last, B, left, right, own, terms, out, lanes
):
    """Interpreted twin of the intrinsic, for `NUMBA_DISABLE_JIT=1`."""
    coefficient, scale, row, subtract = terms
    totals = []
    for column in (left, right):
        panel = slice(column, column + lanes)
        entries = slice(first, last)
        total = scale * (data[entries] @ B[indices[entries], panel])
        if own >= 0:
            total = total + coefficient * B[own, panel]
        totals.append(total - out[row, panel] if subtract else total)
    # Both panels before either is written: they may overlap.
    for column, total in zip((left, right), totals, strict=True):
        out[row, column : column + lanes] = total


@intrinsic(prefer_literal=True)
def _add_rows_compiled(
    _typing, indices, data, first, last, B, left, right, own, terms, out, lanes
):
    """Write two panels of `lanes` columns, from `left` and from `right`, of one row.

    The panels may overlap: what lies in both is computed twice and alike.
    """
    from llvmlite import ir

    width = lanes.literal_value
    index = ir.IntType(64)
    signature = types.void(
        indices, data, first, last, B, left, right, own, terms, out, lanes
    )

    def codegen(context, builder, signature, args):
        kinds = signature.args

        def pointer(position):
            return array(position).data

        def array(position):
            make = context.make_array(kinds[position])
            return make(context, builder, args[position])

        def integer(position):
            return context.cast(builder, args[position], kinds[position], types.intp)

        def constant(value):
            return ir.Constant(index, value)

        element = context.get_value_type(data.dtype)
        vector = ir.VectorType(element, width)
        item = 8 if data.dtype == types.float64 else 4
        exact = ("contract",)
        indices_at, data_at, block_at, out_at = (pointer(k) for k in (0, 1, 4, 9))
        start, stop = integer(2), integer(3)
        columns = [integer(5), integer(6)]
        own_row = integer(7)
        coefficient, scale, row, subtract = cgutils.unpack_tuple(builder, args[8], 4)
        row = context.cast(builder, row, kinds[8][2], types.intp)
        n_columns = builder.extract_value(array(4).shape, 1)
        n_entries = builder.extract_value(array(0).shape, 0)
        last_entry = builder.sub(n_entries, constant(1))

        def splat(value):
            empty = ir.Constant(vector, ir.Undefined)
            zero = ir.Constant(ir.IntType(32), 0)
            one = builder.insert_element(empty, value, zero)
            zeros = ir.Constant(ir.VectorType(ir.IntType(32), width), [0] * width)
            return builder.shuffle_vector(one, empty, zeros)

        def address(base, line, column):
            offset = builder.add(builder.mul(line, n_columns), column)
            return builder.gep(base, [offset])

        def load(line, column):
            place = address(block_at, line, column)
            return builder.load(builder.bitcast(place, vector.as_pointer()), align=item)

        def prefetch(line, column):
            byte = ir.IntType(8).as_pointer()
            flag = ir.IntType(32)
            function = cgutils.get_or_insert_function(
                builder.module,
                ir.FunctionType(ir.VoidType(), [byte, flag, flag, flag]),
                "llvm.prefetch.p0",
            )
            place = builder.bitcast(address(block_at, line, column), byte)
            builder.call(function, [place, flag(0), flag(3), flag(1)])

        def neighbor(entry):
            return builder.sext(builder.load(builder.gep(indices_at, [entry])), index)

        zeros = ir.Constant(vector, [0.0] * width)
        sums = [cgutils.alloca_once_value(builder, zeros) for _ in columns]
        for total in sums:
            builder.store(zeros, total)
        step = constant(1)
        with cgutils.for_range_slice(builder, start, stop, step) as (entry, _):
            ahead = builder.add(entry, constant(_AHEAD))
            inside = builder.icmp_signed("<", ahead, last_entry)
            later = neighbor(builder.select(inside, ahead, last_entry))
            prefetch(later, columns[0])
            prefetch(later, builder.add(columns[1], constant(width - 1)))
            line = neighbor(entry)
            weight = splat(builder.load(builder.gep(data_at, [entry])))
            for total, column in zip(sums, columns, strict=True):
                product = builder.fmul(weight, load(line, column), flags=exact)
                builder.store(
                    builder.fadd(builder.load(total), product, flags=exact), total
                )
        for total in sums:
            value = builder.fmul(splat(scale), builder.load(total), flags=exact)
            builder.store(value, total)
        with builder.if_then(builder.icmp_signed(">=", own_row, constant(0))):
            for total, column in zip(sums, columns, strict=True):
                product = builder.fmul(
                    splat(coefficient), load(own_row, column), flags=exact
                )
                builder.store(
                    builder.fadd(builder.load(total), product, flags=exact), total
                )
        places = [
            builder.bitcast(address(out_at, row, column), vector.as_pointer())
            for column in columns
        ]
        # Both panels before either is written: they may overlap.
        with builder.if_then(context.is_true(builder, kinds[8][3], subtract)):
            for total, place in zip(sums, places, strict=True):
                old = builder.load(place, align=item)
                builder.store(builder.fsub(builder.load(total), old), total)
        for total, place in zip(sums, places, strict=True):
            builder.store(builder.load(total), place, align=item)
        return context.get_dummy_value()

    return signature, codegen


_add_rows = _add_rows_python if config.DISABLE_JIT else _add_rows_compiled


@kernel
def csr_block_product(
    indptr, indices, data, B, diagonal, scale, subtract, out, start, stop
):
    """Write rows `start` to `stop` of `diagonal[:, None] * B + scale * (A @ B)`.

    With `subtract` the old content of `out` is taken off. An empty `diagonal` stands
    for zeros. Panels of 2, 4, 8 or 16 columns go in pairs that may overlap.
    """
    n_columns = B.shape[1]
    square = diagonal.shape[0] > 0
    for i in range(start, stop):
        own = i if square else -1
        terms = (diagonal[i] if square else scale, scale, i, subtract)
        first = indptr[i]
        last = indptr[i + 1]
        c = 0
        while c < n_columns:
            rest = n_columns - c
            end = min(c + 32, n_columns)
            if rest > 16:
                _add_rows(
                    indices, data, first, last, B, c, end - 16, own, terms, out, 16
                )
            elif rest > 8:
                _add_rows(indices, data, first, last, B, c, end - 8, own, terms, out, 8)
            elif rest > 4:
                _add_rows(indices, data, first, last, B, c, end - 4, own, terms, out, 4)
            elif rest > 1:
                _add_rows(indices, data, first, last, B, c, end - 2, own, terms, out, 2)
            else:
                _add_rows(indices, data, first, last, B, c, c, own, terms, out, 1)
            c = end


@kernel
def csr_vector_product(
    indptr, indices, data, b, diagonal, scale, subtract, out, start, stop
):
    """Write rows `start` to `stop` of `diagonal * b + scale * (A @ b)`.

    With `subtract` the old content of `out` is taken off. Indices are unsigned, which
    spares a test for negative ones at each access; two sums overlap the latency of
    additions.
    """
    square = diagonal.shape[0] > 0
    one, two = np.uint64(1), np.uint64(2)
    for i in range(np.uint64(start), np.uint64(stop)):
        even = data.dtype.type(0)
        odd = data.dtype.type(0)
        entry = np.uint64(indptr[i])
        last = np.uint64(indptr[i + one])
        while entry + one < last:
            even += data[entry] * b[np.uint32(indices[entry])]
            odd += data[entry + one] * b[np.uint32(indices[entry + one])]
            entry += two
        if entry < last:
            even += data[entry] * b[np.uint32(indices[entry])]
        total = scale * (even + odd)
        if square:
            total += diagonal[i] * b[i]
        out[i] = total - out[i] if subtract else total


@kernel
def csr_row_sums(indptr, data, out, start, stop):
    """Write sums of rows `start` to `stop`, accumulated in float64."""
    for i in range(start, stop):
        total = 0.0
        for entry in range(indptr[i], indptr[i + 1]):
            total += np.float64(data[entry])
        out[i] = total


@kernel
def csr_scale(indptr, indices, data, left, right, out, start, stop):
    """Write entries of `diag(left) A diag(right)`; an empty side stands for ones."""
    for i in range(start, stop):
        for entry in range(indptr[i], indptr[i + 1]):
            value = data[entry]
            if left.shape[0] > 0:
                value *= left[i]
            if right.shape[0] > 0:
                value *= right[indices[entry]]
            out[entry] = value
