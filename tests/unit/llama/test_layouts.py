"""The proof of a library's structs: what is known passes, everything else is refused."""

import ctypes
from collections.abc import Callable, Sequence

import pytest

from bot.llama.layouts import (
    CONTEXT_FIELDS,
    CONTEXT_FIELDS_WITH_MOE_CACHE,
    MODEL_FIELDS,
    SPARE_BYTES,
    Field,
    LayoutError,
    make_layout,
    proved_defaults,
    returns_in_place,
)

BY_BUILD = [MODEL_FIELDS, CONTEXT_FIELDS, CONTEXT_FIELDS_WITH_MOE_CACHE]
KNOWN = make_layout("llama_context_params", CONTEXT_FIELDS)


class FakeFunction:
    """Gives the defaults of a struct of these fields, as a C compiler would lay it out."""

    def __init__(self, fields: Sequence[Field]) -> None:
        self._layout = make_layout("fake", tuple(fields))
        self.argtypes: list[object] = []
        self.restype: Callable[[], object] | None = None

    def __call__(self, address: int | None = None) -> object:
        result = None if self.restype is None else self.restype()
        target = ctypes.addressof(result) if address is None else address  # type: ignore[arg-type]
        values = self._layout.padded(
            **{field.name: field.default for field in self._layout.fields if field.default}
        )
        for field in self._layout.fields:  # gaps are left as they are
            place = getattr(self._layout.padded, field.name)
            ctypes.memmove(
                target + place.offset, ctypes.addressof(values) + place.offset, place.size
            )
        return result


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("fields", BY_BUILD)
def test_known_structs_pass(fields: Sequence[Field], in_place: bool):
    """The parameters that come back have the defaults, and zeros behind them."""
    layout = make_layout("params", tuple(fields))

    params = proved_defaults(FakeFunction(fields), layout, in_place=in_place)

    assert [field.default for field in fields] == [getattr(params, f.name) for f in fields]
    assert bytes(params.spare) == bytes(SPARE_BYTES)


@pytest.mark.parametrize("place", range(len(CONTEXT_FIELDS)))
def test_struct_without_one_field_is_refused(place: int):
    """As an older build has it: what is behind the field has moved, or the end is missing."""
    fields = [*CONTEXT_FIELDS[:place], *CONTEXT_FIELDS[place + 1 :]]
    shifted = make_layout("shifted", tuple(fields))
    if shifted.n_bytes == KNOWN.n_bytes and all(field.default == 0 for field in fields[place:]):
        pytest.fail("a field that can't be missed: the proof says nothing of it")

    with pytest.raises(LayoutError):
        proved_defaults(FakeFunction(fields), KNOWN, in_place=True)


@pytest.mark.parametrize("place", range(len(CONTEXT_FIELDS) + 1))
def test_longer_struct_is_refused_and_writes_into_spare_memory_only(place: int):
    """As a newer build has it, wherever its new field stands."""
    new = Field("new", ctypes.c_uint64, 0)
    fields = [*CONTEXT_FIELDS[:place], new, *CONTEXT_FIELDS[place:]]

    with pytest.raises(LayoutError, match=r"bytes|isn't set|is .*, not"):
        proved_defaults(FakeFunction(fields), KNOWN, in_place=True)


@pytest.mark.parametrize("in_place", [True, False])
@pytest.mark.parametrize("name", [field.name for field in CONTEXT_FIELDS])
def test_other_default_is_refused_by_name(name: str, in_place: bool):
    """The sentence names the field."""
    fields = [
        field._replace(default=0 if field.default else 1) if field.name == name else field
        for field in CONTEXT_FIELDS
    ]

    with pytest.raises(LayoutError, match=rf"llama_context_params\.{name} is "):
        proved_defaults(FakeFunction(fields), KNOWN, in_place=in_place)


def test_only_x86_64_hands_over_the_place_of_the_result_as_an_argument():
    """AArch64 has a register of its own for it."""
    assert [returns_in_place(one) for one in ("x86_64", "AMD64", "aarch64", "arm64")] == [
        True, True, False, False,
    ]  # fmt: skip
