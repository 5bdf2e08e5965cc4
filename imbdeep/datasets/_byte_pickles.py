"""Read arrays of bytes from Python 2 pickles, without running their instructions.

A pickle is a program: it names functions to call with arguments of its choice. Here the
three names that NumPy writes into the pickle of an array stand for classes of this
file, which only keep what they are given. Any other name is refused before it is looked
up. So a pickle can call nothing, and not even NumPy sees its numbers before their type
and size have been checked.
"""

import io
import pickle
import pickletools

import numpy as np


class _Dtype:
    """Dtype of an array according to the pickle."""

    def __init__(self, name):
        self.name = name

    def __setstate__(self, state):
        """Ignore byte order and alignment, which do not matter for single bytes."""


class _Bytes:
    """An array under construction; `array` is None until its content arrives."""

    array = None

    def __setstate__(self, state):
        _, shape, dtype, is_fortran, content = state
        if not (isinstance(dtype, _Dtype) and dtype.name in (b"u1", b"|u1")):
            raise pickle.UnpicklingError("it holds an array of something but bytes")
        flat = np.frombuffer(content, np.uint8)
        self.array = flat.reshape(shape, order="F" if is_fortran else "C")


# Instances without attributes rather than functions: a pickle may set attributes of the
# objects that it gets, and those of functions would persist.


class _NewDtype:
    __slots__ = ()

    def __call__(self, name, align, copy):
        return _Dtype(name)


class _NewBytes:
    __slots__ = ()

    def __call__(self, array_type, shape, typecode):
        return _Bytes()


_STAND_INS = {
    ("numpy", "dtype"): _NewDtype(),
    ("numpy", "ndarray"): "ndarray",
    ("numpy.core.multiarray", "_reconstruct"): _NewBytes(),
}


_PAST_FIND_CLASS = {"EXT1", "EXT2", "EXT4"}
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT"}


class _Unpickler(pickle.Unpickler):
    def find_class(self, module, name):
        if (module, name) not in _STAND_INS:
            raise pickle.UnpicklingError(
                f"it asks for {module}.{name}, which an array of bytes does not need"
            )
        return _STAND_INS[module, name]


def _check_opcodes(content, most):
    """Raise an error if a pickle asks for more memory than its bytes justify."""
    n_memo = 0
    for number, (code, argument, _) in enumerate(pickletools.genops(content)):
        # Each opcode can make an object of a hundred bytes.
        if number >= most:
            raise pickle.UnpicklingError(f"it has more than {most} opcodes")
        # They fetch objects that the process has cached, past find_class.
        if code.name in _PAST_FIND_CLASS:
            raise pickle.UnpicklingError("it asks for a registered extension")
        if code.name in _MEMO:
            # The memo is an array as long as the largest index used. Python 2 starts
            # at index 1 and takes the next one each time.
            n_memo += 1
            if argument > n_memo:
                raise pickle.UnpicklingError(f"it skips to place {argument}")


def read_pickled_dict(content, most):
    """Return the dict in a pickle of Python 2.

    Parameters
    ----------
    content : bytes
    most : int
        Most opcodes that it may have.

    Returns
    -------
    dict
        Text as bytes, which Python 2 did not distinguish; arrays as uint8.

    Raises
    ------
    Exception
        Of nearly any type, if it is not such a pickle.
    """
    _check_opcodes(content, most)
    loaded = _Unpickler(io.BytesIO(content), encoding="bytes").load()
    if not isinstance(loaded, dict):
        raise pickle.UnpicklingError("it holds no dict")
    return {
        key: value.array if isinstance(value, _Bytes) else value
        for key, value in loaded.items()
    }
