"""Vectors of eight numbers for numba's kernels: a few types, and one function per instruction.

numba compiles Python functions for the machine it runs on, but decides by itself what becomes a
vector. `kernels` decides that itself, with these. Each function emits LLVM's instructions, so it
runs on any processor; where x86 has the one instruction that matters, LLVM is told its name.
LLVM: https://llvm.org/docs/LangRef.html
"""

import importlib
import platform
from collections.abc import Callable, Sequence
from typing import Any

# Neither package has types that a checker could read.
_extending: Any = importlib.import_module("numba.extending")
_core: Any = importlib.import_module("numba.core")
_llvm: Any = importlib.import_module("llvmlite.binding")
ir: Any = importlib.import_module("llvmlite.ir")
_types = _core.types

LANES = 8  # 32-bit numbers in a vector: one AVX register; other processors split it


def _has(feature: str) -> bool:
    """Whether the processor that numba compiles for has it: this one, or what its settings name."""
    config: Any = importlib.import_module("numba").config
    if config.CPU_NAME or config.CPU_FEATURES:
        return f"+{feature}" in str(config.CPU_FEATURES)
    return bool(_llvm.get_host_cpu_features().get(feature))


HAS_AVX2 = _has("avx2")
# Where an x86 has no instruction for 16-bit floats, LLVM calls a function that isn't there, and
# ends the process.
CAN_RUN = platform.machine().lower() not in ("x86_64", "amd64") or _has("f16c")

_I8, _I16, _I32, _I64 = (ir.IntType(bits) for bits in (8, 16, 32, 64))
_F16, _F32 = ir.HalfType(), ir.FloatType()
_FLOATS = ir.VectorType(_F32, LANES)
_HALVES = ir.VectorType(_F16, LANES)
_INTS = ir.VectorType(_I32, LANES)
_SHORTS = ir.VectorType(_I16, 2 * LANES)
_OCTETS = ir.VectorType(_I8, 4 * LANES)


class _VectorType(_types.Type):
    """How numba knows a vector; it only goes from one function of this file into the next."""

    def __init__(self, name: str, llvm_type: Any) -> None:
        super().__init__(name=name)  # pyright: ignore[reportUnknownMemberType]  # numba has no types
        self.llvm_type = llvm_type


@_extending.register_model(_VectorType)
class _VectorModel(_extending.models.PrimitiveModel):
    """A vector is one value in a register."""

    def __init__(self, manager: Any, vector: Any) -> None:
        super().__init__(manager, vector, vector.llvm_type)  # pyright: ignore[reportUnknownMemberType]


_floats = _VectorType("floats", _FLOATS)  # 8 f32
_ints = _VectorType("ints", _INTS)  # 8 i32
_shorts = _VectorType("shorts", _SHORTS)  # 16 i16: 8 pairs
_octets = _VectorType("octets", _OCTETS)  # 32 i8: 8 quads

_Emit = Callable[[Any, Sequence[Any]], Any]


def _instruction(result: Any, operands: Sequence[Any], emit: _Emit) -> Any:
    """A function of vectors and numbers.

    Args:
        result: its numba type.
        operands: the numba types of its arguments.
        emit: gets LLVM's builder and the arguments, and gives back the result.
    """

    def generate(_context: Any, builder: Any, _signature: Any, values: Any) -> Any:
        return emit(builder, values)

    def typed(*_: Any) -> Any:
        return result(*operands), generate

    return _with_arity(len(operands), typed)


def _with_arity(n: int, typed: Callable[..., Any]) -> Any:
    """numba looks at how many arguments a function names."""

    def none(_context: Any) -> Any:
        return typed()

    def one(_context: Any, a: Any) -> Any:
        return typed(a)

    def two(_context: Any, a: Any, b: Any) -> Any:
        return typed(a, b)

    def three(_context: Any, a: Any, b: Any, c: Any) -> Any:
        return typed(a, b, c)

    return _extending.intrinsic((none, one, two, three)[n])


def _element(context: Any, builder: Any, signature: Any, values: Sequence[Any], llvm: Any) -> Any:
    """The address of an array's element (arguments 0 and 1), as one of a type of ours."""
    array = context.make_array(signature.args[0])(context, builder, values[0])
    return builder.bitcast(builder.gep(array.data, [values[1]]), ir.PointerType(llvm))


def _load(result: Any, memory: Any, align: int, widen: _Emit) -> Any:
    """A function (array, index) that reads a vector and makes it what the kernels compute with."""

    def typed(array: Any, _index: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            address = _element(context, builder, signature, values, memory)
            return widen(builder, [builder.load(address, align=align)])

        return result(array, _types.intp), generate

    return _with_arity(2, typed)


def _store(value: Any, memory: Any, align: int, narrow: _Emit) -> Any:
    """A function (array, index, value) that writes a vector."""

    def typed(array: Any, _index: Any, _value: Any) -> Any:
        def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            address = _element(context, builder, signature, values, memory)
            builder.store(narrow(builder, [values[2]]), address, align=align)
            return context.get_dummy_value()

        return _types.void(array, _types.intp, value), generate

    return _with_arity(3, typed)


def _call(builder: Any, name: str, result: Any, values: Sequence[Any]) -> Any:
    """Calls a function of LLVM, or of the C library, by its name."""
    kind = ir.FunctionType(result, [value.type for value in values])
    function = _core.cgutils.get_or_insert_function(builder.module, kind, name)
    return builder.call(function, values)


def _spread(builder: Any, value: Any) -> Any:
    """A number in all eight lanes."""
    kind = ir.VectorType(value.type, LANES)
    undefined = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(undefined, value, ir.Constant(_I32, 0))
    return builder.shuffle_vector(first, undefined, ir.Constant(_INTS, [0] * LANES))


def _evens_and_odds(builder: Any, vector: Any) -> tuple[Any, Any]:
    n = vector.type.count
    undefined = ir.Constant(vector.type, ir.Undefined)
    parts = [
        builder.shuffle_vector(
            vector, undefined, ir.Constant(ir.VectorType(_I32, n // 2), list(range(start, n, 2)))
        )
        for start in (0, 1)
    ]
    return parts[0], parts[1]


def _multiply_pairs(builder: Any, values: Sequence[Any]) -> Any:
    """sum + a pair of products in each lane: x86's vpmaddwd and an addition."""
    total, left, right = values
    if HAS_AVX2:
        products = _call(builder, "llvm.x86.avx2.pmadd.wd", _INTS, [left, right])
    else:
        wide = ir.VectorType(_I32, 2 * LANES)
        both = builder.mul(builder.sext(left, wide), builder.sext(right, wide))
        products = builder.add(*_evens_and_odds(builder, both))
    return builder.add(total, products)


def _multiply_octets(builder: Any, values: Sequence[Any]) -> Any:
    """sum + pairs of products of unsigned and signed 8-bit numbers, in 16 bits: vpmaddubsw.

    The caller sees to it that 16 bits hold the sum.
    """
    total, unsigned, signed = values
    if HAS_AVX2:
        products = _call(builder, "llvm.x86.avx2.pmadd.ub.sw", _SHORTS, [unsigned, signed])
    else:
        wide = ir.VectorType(_I16, 4 * LANES)
        both = builder.mul(builder.zext(unsigned, wide), builder.sext(signed, wide))
        products = builder.add(*_evens_and_odds(builder, both))
    return builder.add(total, products)


def _exponential(builder: Any, values: Sequence[Any]) -> Any:
    """e to the power of x, to about 2 units of the last place (the usual polynomial of Cephes)."""

    def number(value: float) -> Any:
        return ir.Constant(_FLOATS, [value] * LANES)

    def fused(left: Any, right: Any, plus: Any) -> Any:
        return _call(builder, "llvm.fma.v8f32", _FLOATS, [left, right, plus])

    x = _call(builder, "llvm.maxnum.v8f32", _FLOATS, [values[0], number(-87.0)])
    x = _call(builder, "llvm.minnum.v8f32", _FLOATS, [x, number(88.0)])
    twos = _call(builder, "llvm.rint.v8f32", _FLOATS, [builder.fmul(x, number(1.4426950408889634))])
    x = fused(twos, number(-0.693359375), x)
    x = fused(twos, number(2.12194440e-4), x)
    y = number(1.9875691500e-4)
    for factor in (1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5):
        y = fused(y, x, number(factor))
    y = builder.fadd(fused(y, builder.fmul(x, x), x), number(1.0))
    exponent = builder.add(builder.fptosi(twos, _INTS), ir.Constant(_INTS, [127] * LANES))
    power = builder.bitcast(builder.shl(exponent, ir.Constant(_INTS, [23] * LANES)), _FLOATS)
    return builder.fmul(y, power)


def _reduce(builder: Any, vector: Any, combine: Callable[[Any, Any], Any]) -> Any:
    """Combines the eight lanes, always in the same order: halves, then quarters, then eighths."""
    undefined = ir.Constant(_FLOATS, ir.Undefined)
    for distance in (4, 2, 1):
        mask = ir.Constant(_INTS, [lane ^ distance for lane in range(LANES)])
        vector = combine(vector, builder.shuffle_vector(vector, undefined, mask))
    return builder.extract_element(vector, ir.Constant(_I32, 0))


def _same(_builder: Any, values: Sequence[Any]) -> Any:
    return values[0]


_f32 = _types.float32

zero_floats = _instruction(_floats, [], lambda _b, _v: ir.Constant(_FLOATS, [0.0] * LANES))
zero_ints = _instruction(_ints, [], lambda _b, _v: ir.Constant(_INTS, [0] * LANES))
zero_shorts = _instruction(_shorts, [], lambda _b, _v: ir.Constant(_SHORTS, [0] * 2 * LANES))
spread = _instruction(_floats, [_f32], lambda b, v: _spread(b, v[0]))
add = _instruction(_floats, [_floats] * 2, lambda b, v: b.fadd(*v))
subtract = _instruction(_floats, [_floats] * 2, lambda b, v: b.fsub(*v))
multiply = _instruction(_floats, [_floats] * 2, lambda b, v: b.fmul(*v))
divide = _instruction(_floats, [_floats] * 2, lambda b, v: b.fdiv(*v))
largest = _instruction(
    _floats, [_floats] * 2, lambda b, v: _call(b, "llvm.maxnum.v8f32", _FLOATS, v)
)
magnitude = _instruction(_floats, [_floats], lambda b, v: _call(b, "llvm.fabs.v8f32", _FLOATS, v))
fused_multiply_add = _instruction(  # a * b + c, rounded once
    _floats, [_floats] * 3, lambda b, v: _call(b, "llvm.fma.v8f32", _FLOATS, v)
)
exponential = _instruction(_floats, [_floats], _exponential)
sum_of = _instruction(_f32, [_floats], lambda b, v: _reduce(b, v[0], b.fadd))
maximum_of = _instruction(
    _f32,
    [_floats],
    lambda b, v: _reduce(b, v[0], lambda x, y: _call(b, "llvm.maxnum.v8f32", _FLOATS, [x, y])),
)
to_floats = _instruction(_floats, [_ints], lambda b, v: b.sitofp(v[0], _FLOATS))
to_ints = _instruction(  # to the nearest
    _ints, [_floats], lambda b, v: b.fptosi(_call(b, "llvm.rint.v8f32", _FLOATS, v), _INTS)
)
multiply_pairs = _instruction(_ints, [_ints, _shorts, _shorts], _multiply_pairs)
multiply_octets = _instruction(_shorts, [_shorts, _octets, _octets], _multiply_octets)
sum_pairs = _instruction(  # the two 16-bit numbers of each lane, added to a sum of 32 bits
    _ints,
    [_ints, _shorts],
    lambda b, v: _multiply_pairs(b, [v[0], v[1], ir.Constant(_SHORTS, [1] * 2 * LANES)]),
)

load = _load(_floats, _FLOATS, 4, _same)  # from f32
load_half = _load(_floats, _HALVES, 2, lambda b, v: b.fpext(v[0], _FLOATS))  # from f16
load_octets = _load(_octets, _OCTETS, 1, _same)
load_shorts = _load(  # sixteen 8-bit numbers, widened
    _shorts, ir.VectorType(_I8, 2 * LANES), 1, lambda b, v: b.sext(v[0], _SHORTS)
)
spread_float = _load(_floats, _F32, 4, lambda b, v: _spread(b, v[0]))  # an f32, in all lanes
spread_integer = _load(_ints, _I32, 4, lambda b, v: _spread(b, v[0]))
spread_pair = _load(  # two 16-bit numbers, in all eight lanes
    _shorts, _I32, 2, lambda b, v: b.bitcast(_spread(b, v[0]), _SHORTS)
)
spread_quad = _load(  # four 8-bit numbers, in all eight lanes
    _octets, _I32, 1, lambda b, v: b.bitcast(_spread(b, v[0]), _OCTETS)
)
store = _store(_floats, _FLOATS, 4, _same)
store_half = _store(_floats, _HALVES, 2, lambda b, v: b.fptrunc(v[0], _HALVES))
store_shorts = _store(  # the low 16 bits of each
    _ints, ir.VectorType(_I16, LANES), 2, lambda b, v: b.trunc(v[0], ir.VectorType(_I16, LANES))
)
store_octets = _store(  # the low 8 bits of each
    _ints, ir.VectorType(_I8, LANES), 1, lambda b, v: b.trunc(v[0], ir.VectorType(_I8, LANES))
)


def _fetch_and_add(array: Any, _index: Any, _value: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _element(context, builder, signature, values, _I64)
        return builder.atomic_rmw("add", address, values[2], "acq_rel")

    return _types.int64(array, _types.intp, _types.int64), generate


def _load_atomic(array: Any, _index: Any) -> Any:
    def generate(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        address = _element(context, builder, signature, values, _I64)
        return builder.load_atomic(address, "acquire", 8)

    return _types.int64(array, _types.intp), generate


fetch_and_add = _with_arity(3, _fetch_and_add)  # an i64 array's element; gives what was there
load_atomic = _with_arity(2, _load_atomic)


def _pause(builder: Any, _values: Sequence[Any]) -> Any:
    """Tells a processor whose cores share parts that this thread only waits."""
    if HAS_AVX2:
        _call(builder, "llvm.x86.sse2.pause", ir.VoidType(), [])
    return ir.Constant(_I32, 0)


pause = _instruction(_types.int32, [], _pause)
yield_processor = _instruction(  # lets another thread run
    _types.int32, [], lambda b, _v: _call(b, "sched_yield", _I32, [])
)
