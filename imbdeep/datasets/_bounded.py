"""Read files of a known size, giving memory to nothing that only claims to be there.

A few bytes can ask for gigabytes: a header that names a huge shape, zeros that are
compressed, a hole in a sparse file. Each reader of this folder knows how large its
files are; what claims to be larger is refused before memory is set aside for it.
"""

import io
import os
import zipfile

import numpy as np

# NumPy refuses headers of more than 10,000 characters, but reads them first.
HEADER_BYTES = 16 * 1024
# Of a number in an array; no file that is read here has complex numbers.
NUMBER_BYTES = 8

HEADER_READERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


def read_at_most(file, most):
    """Return the content of an open file of at most so many bytes."""
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
        Numbers that the array may hold.
    """
    head = io.BytesIO(stream.read(HEADER_BYTES))
    version = np.lib.format.read_magic(head)
    if version not in HEADER_READERS:
        raise ValueError(f"it has an array in version {version} of NumPy's format")
    shape, _, dtype = HEADER_READERS[version](head)
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
    """Return the arrays of an npz file that have one of some names.

    Parameters
    ----------
    file : path or file
    most : dict of str to int
        Numbers that each array may hold, by its name.

    Returns
    -------
    arrays : dict of str to ndarray
        Those that are there.

    Raises
    ------
    Exception
        Of nearly any type, if the file is damaged; a ValueError if an array is larger.
    """
    arrays = {}
    with zipfile.ZipFile(file) as archive:
        for name in most.keys() & {n.removesuffix(".npy") for n in archive.namelist()}:
            member = archive.getinfo(f"{name}.npy")
            # Other kinds of compression give out more than they are asked for.
            if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise ValueError(f"its array {name} is compressed in an unusual way")
            with archive.open(member) as stream:
                check_npy_header(stream, most[name])
            with archive.open(member) as stream:
                arrays[name] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays
