"""Pickles of Python 2 are read, and can call nothing."""

import copyreg
import os
import pickle
import struct
import warnings

import numpy as np
import pytest

from imbdeep.datasets import _byte_pickles
from imbdeep.datasets._byte_pickles import read_pickled_dict as read_bounded_dict

MARK, TUPLE, REDUCE, BUILD, STOP = b"(", b"t", b"R", b"b", b"."


def read_pickled_dict(content):
    return read_bounded_dict(content, most=1000)


def text(value):
    return b"T" + struct.pack("<i", len(value)) + value


def integer(value):
    return b"J" + struct.pack("<i", value)


def name(module, attribute):
    return b"c" + module.encode() + b"\n" + attribute.encode() + b"\n"


def dtype(kind=b"u1", byte_order=b"|"):
    arguments = MARK + text(kind) + integer(0) + integer(1) + TUPLE
    state = integer(3) + text(byte_order) + 3 * b"N" + integer(-1) + integer(-1)
    state = MARK + state + integer(0) + TUPLE
    return name("numpy", "dtype") + arguments + REDUCE + state + BUILD


def array(content, shape, kind=b"u1", is_fortran=False):
    """An array as NumPy 1 wrote it under Python 2."""
    arguments = name("numpy", "ndarray") + MARK + integer(0) + TUPLE + text(b"b")
    new = name("numpy.core.multiarray", "_reconstruct")
    new += MARK + arguments + TUPLE + REDUCE
    sizes = MARK + b"".join(map(integer, shape)) + TUPLE
    fortran = b"\x88" if is_fortran else b"\x89"
    state = MARK + integer(1) + sizes + dtype(kind) + fortran + text(content) + TUPLE
    return new + state + BUILD


def encode(value):
    """Opcodes of bytes, integers, lists and arrays of bytes."""
    if isinstance(value, bytes):
        return text(value)
    if isinstance(value, list):
        return b"]" + MARK + b"".join(map(encode, value)) + b"e"
    if isinstance(value, np.ndarray):
        return array(value.tobytes(), value.shape)
    return integer(value)


def python2_pickle(items):
    """What ``cPickle.dumps(items, 2)`` of Python 2 gives, but for its memo."""
    body = b"".join(encode(key) + encode(value) for key, value in items.items())
    return b"\x80\x02}" + MARK + body + b"u" + STOP


def with_value(opcodes):
    """A pickle of a dict of one value, given by its opcodes."""
    return b"\x80\x02}" + text(b"data") + opcodes + b"s" + STOP


def read_by_numpy(content):
    with warnings.catch_warnings():
        # The names of NumPy 1.
        warnings.simplefilter("ignore", DeprecationWarning)
        return pickle.loads(content, encoding="bytes")


@pytest.mark.parametrize("shape", [(0, 4), (6,), (2, 3), (3, 2, 2)])
@pytest.mark.parametrize("is_fortran", [False, True])
def test_arrays_are_those_that_numpy_reads(shape, is_fortran):
    content = bytes(range(100, 100 + int(np.prod(shape))))
    pickled = with_value(array(content, shape, is_fortran=is_fortran))
    ours, numpys = read_pickled_dict(pickled), read_by_numpy(pickled)
    assert ours.keys() == numpys.keys() == {b"data"}
    assert ours[b"data"].dtype == np.uint8
    np.testing.assert_array_equal(ours[b"data"], numpys[b"data"])


def test_lists_and_text_are_read():
    items = {b"labels": [3, 0, 99], b"filenames": [b"a.png", b"b.png"], b"x": b"y"}
    assert read_pickled_dict(python2_pickle(items)) == items


class Attack:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_can_call_nothing(tmp_path, protocol):
    made = tmp_path / "made"
    content = pickle.dumps({1: Attack(made)}, protocol)
    with pytest.raises(pickle.UnpicklingError, match=r"asks for (posix|nt)\.mkdir"):
        read_pickled_dict(content)
    assert not made.exists()
    pickle.loads(content)
    assert made.exists()  # the attack is a real one


@pytest.mark.parametrize(
    "asked",
    [
        ("os", "system"),
        ("builtins", "eval"),
        ("__builtin__", "eval"),
        ("numpy", "load"),
        ("numpy", "ndarray.tofile"),
        ("numpy.core.multiarray", "_reconstruct.__globals__"),
        ("numpy._core.multiarray", "_reconstruct"),
        ("_codecs", "encode"),
        ("copyreg", "_reconstructor"),
        ("imbdeep.datasets._byte_pickles", "np"),
    ],
)
def test_any_other_name_is_refused(asked):
    with pytest.raises(pickle.UnpicklingError, match=f"asks for {'.'.join(asked)}, "):
        read_pickled_dict(with_value(name(*asked)))
    # Protocol 4 finds names within names.
    module, attribute = (b"\x8c" + bytes([len(a)]) + a.encode() for a in asked)
    with pytest.raises(pickle.UnpicklingError, match="asks for"):
        read_pickled_dict(b"\x80\x04}" + text(b"x") + module + attribute + b"\x93s.")


@pytest.mark.parametrize(
    "admitted",
    [("numpy", "dtype"), ("numpy.core.multiarray", "_reconstruct")],
)
@pytest.mark.parametrize("state", ["dict", "slots"])
def test_what_is_admitted_cannot_be_changed(admitted, state):
    change = b"}" + text(b"name") + integer(1) + b"s"
    if state == "slots":
        change = MARK + b"N" + change + TUPLE
    with pytest.raises((AttributeError, TypeError, pickle.UnpicklingError)):
        read_pickled_dict(with_value(name(*admitted) + change + BUILD))


@pytest.mark.parametrize(
    ("opcodes", "message"),
    [
        (array(bytes(8), (1,), b"f8"), "something but bytes"),
        (array(bytes(8), (1,), b"O8"), "something but bytes"),
        (array(bytes(5), (6,)), "cannot reshape"),
        (name("numpy", "ndarray") + b")" + REDUCE, "not callable"),
        (name("numpy", "ndarray") + b")\x81", "must be a type"),
        (b"U\x01aQ", "persistent"),
        (b"\x82\x01", "extension"),
    ],
)
def test_odd_arrays_are_refused(opcodes, message):
    with pytest.raises(Exception, match=message):
        read_pickled_dict(with_value(opcodes))


def test_what_is_no_dict_is_refused():
    with pytest.raises(pickle.UnpicklingError, match="no dict"):
        read_pickled_dict(b"\x80\x02]" + STOP)


def test_the_file_gives_away_no_numpy_object():
    for stand_in in _byte_pickles._STAND_INS.values():
        assert not isinstance(stand_in, type)
        assert "numpy" not in type(stand_in).__module__


@pytest.mark.parametrize("opcode", [b"\x82", b"\x83", b"\x84"])
def test_extensions_of_the_process_are_out_of_reach(opcode, monkeypatch):
    # Once fetched, an extension is cached, and find_class is not asked again.
    called = []
    width = {b"\x82": 1, b"\x83": 2, b"\x84": 4}[opcode]
    monkeypatch.setitem(copyreg._extension_cache, 241, called.append)
    call = opcode + (241).to_bytes(width, "little") + MARK + integer(1) + TUPLE + REDUCE
    content = b"\x80\x02}" + text(b"data") + call + b"s" + STOP
    with pytest.raises(pickle.UnpicklingError, match="registered extension"):
        read_pickled_dict(content)
    assert not called
    # The pickle is one that would have called it.
    pickle.loads(content)
    assert called == [1]
