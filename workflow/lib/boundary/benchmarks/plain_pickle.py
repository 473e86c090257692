"""Pickles of plain values from untrusted files, read without running anything that is in them.

A pickle is a program. Two walls stand before what it could do. Its opcodes are read first, which runs
none, and each must be on a short list of those that make texts, bytes, numbers, lists, tuples, dicts and
sets, so none is left that imports a name, calls anything, sets a state, or asks for an object by number
or from outside. The unpickler that then runs it knows no class.

The bounds keep a small pickle from taking much: lengths are checked against the bytes that are there;
opcodes are counted; and only a text, bytes or a number may be recalled, since a tuple that holds itself
twice, sixty levels deep, as the key of a dict would be hashed for years.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from typing import Any, NoReturn

MAX_OPCODES = 10_000

TEXTS = ("UNICODE", "SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8")
BYTES = ("SHORT_BINBYTES", "BINBYTES", "BINBYTES8")
INTEGERS = ("INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4")
OTHERS = ("FLOAT", "BINFLOAT", "NONE", "NEWTRUE", "NEWFALSE")
LISTS = ("EMPTY_LIST", "LIST", "APPEND", "APPENDS")
TUPLES = ("EMPTY_TUPLE", "TUPLE", "TUPLE1", "TUPLE2", "TUPLE3")
DICTS = ("EMPTY_DICT", "DICT", "SETITEM", "SETITEMS")
SETS = ("EMPTY_SET", "ADDITEMS")
PUTS = ("PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE")
GETS = ("GET", "BINGET", "LONG_BINGET")
FRAMING = ("PROTO", "FRAME", "STOP")
SCALARS = frozenset(TEXTS + BYTES + INTEGERS + OTHERS)
ALLOWED = SCALARS.union(("MARK",), LISTS, TUPLES, DICTS, SETS, PUTS, GETS, FRAMING)


def load_plain_pickle(data: bytes) -> Any:
    """The plain value that ``data`` holds: text, bytes, int, float, bool, None, list, tuple, dict or set.

    Older protocols write some of them as calls (bytes before protocol 3, sets before 4), which are refused
    like all calls; so is a container that stands in the value twice.

    Raises ValueError where there is anything else, too much, or no whole pickle.
    """
    _check_opcodes(data)
    try:
        return _PlainUnpickler(io.BytesIO(data)).load()
    except Exception as error:  # the documentation names no end of what a broken pickle may raise
        raise ValueError(f"not a whole pickle: {error}") from error


def _check_opcodes(data: bytes) -> None:
    """Read the opcodes, running none, and see that all are allowed."""
    is_scalar: dict[Any, bool] = {}  # by index in the memo
    pushed_scalar = False  # whether the stack's top, which a put puts in the memo, is one
    for number, (opcode, argument, position) in enumerate(pickletools.genops(data)):
        name = opcode.name
        if name not in ALLOWED:
            raise ValueError(
                f"the pickle's opcode {name} at byte {position} is not one of plain values"
            )
        if number >= MAX_OPCODES:
            raise ValueError(f"the pickle has more than {MAX_OPCODES} opcodes")
        if name in PUTS:
            index = len(is_scalar) if name == "MEMOIZE" else argument
            # The unpickler's memo is as long as its largest index.
            if index not in range(MAX_OPCODES):
                raise ValueError(f"the pickle's memo has the index {index}")
            is_scalar[index] = pushed_scalar
        elif name in GETS and not is_scalar.get(argument):
            raise ValueError(f"the pickle recalls what is no scalar, at byte {position}")
        elif name not in FRAMING:
            pushed_scalar = name in SCALARS or name in GETS


class _PlainUnpickler(pickle.Unpickler):
    """An unpickler that knows no class and no object of elsewhere."""

    def find_class(self, module: str, name: str) -> NoReturn:
        raise pickle.UnpicklingError(f"it names {module}.{name}")

    def persistent_load(self, identifier: object) -> NoReturn:
        raise pickle.UnpicklingError("it names an object outside of it")
