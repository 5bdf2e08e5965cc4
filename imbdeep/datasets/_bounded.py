"""Read files of a known size, without allocating memory for false claims.

A few bytes can ask for gigabytes: a header that names a huge shape, compressed zeros, a
hole in a sparse file. Each reader of this folder knows the size of its files, and
refuses larger claims before it allocates memory.
"""

import io
import os
import zipfile

import numpy as np

# NumPy refuses headers of more than 10,000 characters, but reads them first.
HEADER_BYTES = 16 * 1024
# Largest size of a number; none of the files has complex numbers.
NUMBER_BYTES = 8

HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_at_most(file, most):
    """Return the content of an open file, which may have at most ``most`` bytes."""
    n_bytes = os.fstat(file.fileno()).st_size
    if n_bytes > most:
        raise ValueError(f"it has {n_bytes} bytes, and should have {most} at most")
    return file.read()


def check_npy_header(stream, most):
    """Raise a ValueError if an array in NumPy's format claims to be too large.

    Parameters
    ----------
    stream : file
        Read from its start, and only as far as a header goes.
    most : int
        Most numbers that the array may hold.
    """
    head = io.BytesIO(stream.read(HEADER_BYTES))
    version = np.lib.format.read_magic(head)
    if version not in HEADER_READERS:
        raise ValueError(f"it has an array in version {version} of NumPy's format")
    shape, _, dtype = HEADER_READERS[version](head)
    # Python's integers: int64 could overflow into a small number.
    n_numbers = np.prod(shape, dtype=object) if shape else 1
    if n_numbers > most or dtype.itemsize > NUMBER_BYTES:
        raise ValueError(
            f"it has an array of shape {shape} and dtype {dtype}, and should have "
            f"{most} numbers at most"
        )


def check_npy(path, most):
    """Raise a ValueError if the array in an npy file claims to be too large."""
    with path.open("rb") as stream:
        check_npy_header(stream, most)


def read_npz(file, most):
    """Return the arrays of an npz file with the given names.

    Parameters
    ----------
    file : path or file
    most : dict of str to int
        Most numbers that each array may hold, by name.

    Returns
    -------
    arrays : dict of str to ndarray
        Those that exist.

    Raises
    ------
    Exception
        Of nearly any type, if the file is damaged; a ValueError if an array is too
        large.
    """
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        for name in most.keys() & {n.removesuffix(".npy") for n in archive.namelist()}:
            member = archive.getinfo(f"{name}.npy")
            # Other kinds of compression unpack more than a read asks for.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"its array {name} is compressed in an unusual way")
            with archive.open(member) as stream:
                check_npy_header(stream, most[name])
            with archive.open(member) as stream:
                arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays
