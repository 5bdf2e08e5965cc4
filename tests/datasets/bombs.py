"""Small files that ask for much memory, and a measure of what a reader gives them."""

import gzip
import io
import struct
import tarfile
import tracemalloc
import zipfile
from functools import cache

import numpy as np

# Every bomb here asks for at least twice as much.
MOST_BYTES = 64 * 1024**2
LARGE = 2 * MOST_BYTES


def peak_bytes(read):
    """Memory that a call asked for at its peak, touched or not."""
    tracemalloc.start()
    try:
        read()
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    return peak


def npy_header(shape, dtype):
    buffer = io.BytesIO()
    header = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, header)
    return buffer.getvalue()


def many_zeros(shape=(LARGE,), dtype="|u1"):
    """An array of zeros, with its header."""
    return npy_header(shape, dtype), LARGE


def long_header():
    """An array whose header is all there, and endless."""
    return b"\x93NUMPY\x02\x00" + struct.pack("<I", LARGE), LARGE


def claim(shape=(LARGE, 8), dtype="<f8"):
    """A header without an array."""
    return npy_header(shape, dtype), 0


def long_text():
    """One text."""
    return npy_header((1,), f"<U{LARGE // 4}"), LARGE


NPY_BOMBS = {f.__name__: f() for f in (many_zeros, long_header, claim, long_text)}


@cache
def npz_bomb(bomb, compression):
    """An npz file whose data are a header and so many zeros, which take a while."""
    head, n_zeros = bomb
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        archive.writestr("label.npy", npy_header((0,), "<i8"))
        with archive.open("data.npy", "w") as member:
            member.write(head)
            for _ in range(n_zeros // 2**20):
                member.write(bytes(2**20))
    return file.getvalue()


def write_npz_bomb(path, bomb, compression=zipfile.ZIP_DEFLATED):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(npz_bomb(bomb, compression))
    return path


def write_hole(path, n_bytes, head=b""):
    """Write a file that is a hole but for its beginning."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(n_bytes)
    return path


def with_checksum(header):
    """A header of an archive with the sum of its bytes in place."""
    blank = header[:148] + b" " * 8 + header[156:]
    return blank[:148] + b"%06o\0 " % sum(blank) + blank[156:]


def sparse_member(name, n_bytes):
    """A file of an archive that is one hole, as GNU tar writes it."""
    member = tarfile.TarInfo(name)
    member.type = tarfile.GNUTYPE_SPARSE
    header = bytearray(member.tobuf(tarfile.GNU_FORMAT))
    header[386:410] = b"%011o\0%011o\0" % (n_bytes, 0)
    # Past octal digits for more than 8 GiB.
    header[483:495] = b"%011o\0" % n_bytes
    return with_checksum(bytes(header))


def large_member(name, kind=tarfile.REGTYPE):
    """The header of a file of many bytes, or of a name as long."""
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, LARGE
    return member.tobuf(tarfile.GNU_FORMAT)


@cache
def packed_zeros(n_zeros):
    file = io.BytesIO()
    with gzip.open(file, "wb") as zeros:
        for _ in range(n_zeros // 2**20):
            zeros.write(bytes(2**20))
        zeros.write(bytes(1024))
    return file.getvalue()


def write_archive_bomb(path, header, n_zeros):
    """Write an archive that begins with a header and so many zeros."""
    path.write_bytes(gzip.compress(header) + packed_zeros(n_zeros))
    return path
