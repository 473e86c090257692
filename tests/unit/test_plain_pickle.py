"""Pickles of plain values, and pickles that are out to run something."""

import copyreg
import os
import pickle
import tracemalloc

import pytest
from boundary.benchmarks.plain_pickle import load_plain_pickle
from hypothesis import given
from hypothesis import strategies as st

PROTOCOLS = range(pickle.HIGHEST_PROTOCOL + 1)


class MakesFolder:
    """An object whose unpickling calls os.mkdir."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


class MadeNew:
    """A class whose making, without a call of it, makes a folder."""

    def __new__(cls, path):
        os.mkdir(path)  # noqa: PTH102
        return super().__new__(cls)


class Restored:
    """A class whose instances make a folder when their state is set."""

    def __setstate__(self, path):
        os.mkdir(path)  # noqa: PTH102


EXTENSION_CODES = {"EXT1": 0xF1, "EXT2": 0xF1F1, "EXT4": 0xF1F1F1}


@pytest.fixture
def extensions():
    """os.mkdir under a number of each width, as an application may register it."""
    for code in EXTENSION_CODES.values():
        copyreg._inverted_registry[code] = (os.mkdir.__module__, "mkdir")
    yield
    for code in EXTENSION_CODES.values():
        del copyreg._inverted_registry[code]


def hostile_pickles(path):
    """Pickles that make a folder, by what in them does so."""
    called = b"(V%s\ntR." % path.encode()
    module = __name__.encode()
    new = b"(V%s\nt" % path.encode()
    found = {
        "GLOBAL": b"cos\nmkdir\n" + called,
        "STACK_GLOBAL": b"\x80\x04\x8c\x02os\x8c\x05mkdir\x93" + called,
        "GLOBAL in a list": b"(lcos\nmkdir\n" + called[:-1] + b"a.",
        "popped again": b"cos\nmkdir\n" + called[:-1] + b"0Vharmless\n.",
        "INST": b"(V%s\nios\nmkdir\n." % path.encode(),
        "OBJ": b"(cos\nmkdir\nV%s\no." % path.encode(),
        "NEWOBJ": b"c%s\nMadeNew\n%s\x81." % (module, new),
        "NEWOBJ_EX": b"\x80\x04c%s\nMadeNew\n%s}\x92." % (module, new),
        "BUILD": b"c%s\nRestored\n)\x81V%s\nb." % (module, path.encode()),
        "EXT1": b"\x80\x02\x82" + EXTENSION_CODES["EXT1"].to_bytes(1, "little") + called,
        "EXT2": b"\x80\x02\x83" + EXTENSION_CODES["EXT2"].to_bytes(2, "little") + called,
        "EXT4": b"\x80\x02\x84" + EXTENSION_CODES["EXT4"].to_bytes(4, "little") + called,
    }
    for protocol in PROTOCOLS:
        found[f"protocol {protocol}"] = pickle.dumps(MakesFolder(path), protocol)
        nested = ["text", {"key": ("deep", [MakesFolder(path)])}]
        found[f"nested, protocol {protocol}"] = pickle.dumps(nested, protocol)
    return found


@pytest.mark.parametrize("way", hostile_pickles(""))
def test_a_hostile_pickle_is_refused_and_runs_nothing(tmp_path, extensions, way):
    made = tmp_path / "made"
    data = hostile_pickles(str(made))[way]
    with pytest.raises(ValueError, match="opcode"):
        load_plain_pickle(data)
    assert not made.exists()
    pickle.loads(data)  # it is one that works
    assert made.is_dir()


@pytest.mark.parametrize("data", [b"Pnumber 7\n.", b"\x80\x02K\x07Q.", b"cbuiltins\neval\n."])
def test_names_and_objects_from_outside_are_refused(data):
    with pytest.raises(ValueError, match="opcode"):
        load_plain_pickle(data)


def test_the_unpickler_alone_refuses_them_too(monkeypatch, tmp_path):
    """The second wall stands without the first."""
    monkeypatch.setattr("boundary.benchmarks.plain_pickle._check_opcodes", lambda data: None)
    data = hostile_pickles(str(tmp_path / "made"))
    for way in ("GLOBAL", "STACK_GLOBAL", "INST", "OBJ", "NEWOBJ", "BUILD"):
        with pytest.raises(ValueError, match="it names"):
            load_plain_pickle(data[way])
    for persistent in (b"Pnumber 7\n.", b"\x80\x02K\x07Q."):
        with pytest.raises(ValueError, match="an object outside of it"):
            load_plain_pickle(persistent)
    assert list(tmp_path.iterdir()) == []


TEXT_SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text()
SCALARS = TEXT_SCALARS | st.binary()


def plain(scalars, with_sets):
    return st.recursive(
        scalars,
        lambda inner: (
            st.lists(inner)
            | st.tuples(inner, inner, inner, inner)
            | st.tuples(inner)
            | st.dictionaries(scalars | st.tuples(scalars, scalars), inner)
            | (st.sets(scalars) if with_sets else st.nothing())
        ),
    )


def written(value):
    """What tells 1 from True and 0.0 from -0.0, and knows no order of a set."""
    if isinstance(value, list | tuple):
        return type(value).__name__, [written(one) for one in value]
    if isinstance(value, dict):
        return "dict", [(written(key), written(one)) for key, one in value.items()]
    return ("set", sorted(map(written, value), key=repr)) if isinstance(value, set) else repr(value)


@given(plain(SCALARS, with_sets=True), st.sampled_from([4, 5]))
def test_plain_values_round_trip(value, protocol):
    found = load_plain_pickle(pickle.dumps(value, protocol))
    assert written(found) == written(value)


@given(plain(TEXT_SCALARS, with_sets=False), st.sampled_from([0, 1, 2, 3]))
def test_plain_values_round_trip_in_older_protocols(value, protocol):
    """They write bytes (before 3) and sets (before 4) as calls."""
    found = load_plain_pickle(pickle.dumps(value, protocol))
    assert written(found) == written(value)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_long_text_round_trips(protocol):
    """One that is longer than a frame stands between two of them."""
    texts = ["é\n\\u0041" * 100_000, "twice"] * 2
    assert load_plain_pickle(pickle.dumps(texts, protocol)) == texts


@given(st.binary(max_size=200))
def test_what_is_no_pickle_is_a_value_error(data):
    try:
        load_plain_pickle(data + b".")
    except ValueError:
        return


def doubled(levels):
    """A tuple of itself twice, on as many levels, as the key of a dict: 2**levels hashes."""
    tuples = b"".join(b")" if i == 0 else b"q%ch%c\x86" % (i, i) for i in range(levels))
    return b"\x80\x02}" + tuples + b"Ns."


BOMBS = {
    "long text": b"\x80\x04\x8d" + (2**62).to_bytes(8, "little") + b"x.",
    "long bytes": b"\x80\x04\x8e" + (2**62).to_bytes(8, "little") + b"x.",
    "long integer": b"\x80\x02\x8b" + (2**31 - 1).to_bytes(4, "little") + b"x.",
    "negative length": b"\x80\x02\x8b" + (-5).to_bytes(4, "little", signed=True) + b"x.",
    "digits of an integer": b"L" + b"9" * 10**6 + b"L\n.",
    "large memo": b"\x80\x02Nr" + (2**32 - 1).to_bytes(4, "little") + b".",
    "memo of 256 MB": b"\x80\x02Nr" + (2**24).to_bytes(4, "little") + b".",
    "large memo in digits": b"Np4294967295\n.",
    "negative memo": b"Np-1\n.",
    "many lists": b"(" + b"]" * 10**6 + b"l.",
    "doubled tuple": doubled(60),
    "list in itself": b"\x80\x02]q\x01h\x01a.",
    "large frame": b"\x80\x04\x95" + (2**63).to_bytes(8, "little") + b"].",
    "unknown protocol": b"\x80\xff].",
    "no end": b"\x80\x04]",
    "unhashable key": b"\x80\x02}]Ns.",
    "nothing to append to": b"Na.",
    "empty": b"",
}


@pytest.mark.parametrize("kind", BOMBS)
def test_a_bomb_is_refused_before_it_takes_memory(kind):
    tracemalloc.start()
    try:
        with pytest.raises(ValueError):
            load_plain_pickle(BOMBS[kind])
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_deep_nesting_crashes_nothing():
    deep = b"\x80\x02}N" + b"\x85" * 9_000 + b"Ns."
    assert len(load_plain_pickle(deep)) == 1
    assert load_plain_pickle(b"(l" * 3_000 + b"a" * 2_999 + b".")
