"""Read the files of CIFAR from a folder or an archive, without trusting them."""

import gzip
import tarfile

from imbdeep.datasets._bounded import read_at_most
from imbdeep.datasets._bunch import read_path

HOMEPAGE = "https://www.cs.toronto.edu/~kriz/cifar.html"


class Rationed:
    """A file that returns no more bytes than it has been granted.

    The headers of an archive can claim names and lists of holes of any length, all of
    which tarfile would read.
    """

    def __init__(self, file, granted):
        self.file, self.granted = file, granted

    def read(self, size):
        """Read bytes, if they are granted."""
        if not 0 <= size <= self.granted:
            raise tarfile.ReadError("its headers are too long")
        self.granted -= size
        return self.file.read(size)

    def seek(self, place):
        """Move to a position, which takes time but no memory."""
        return self.file.seek(place)

    def tell(self):
        """Return the position in the file."""
        return self.file.tell()


def open_archive(path):
    """Open an archive, and decompress it while it is read if need be."""
    # By content: an unpacked archive may have kept its name.
    with path.open("rb") as file:
        is_packed = file.read(2) == b"\x1f\x8b"
    return gzip.open(path) if is_packed else path.open("rb")


def read_members(file, source, names):
    """Return the content of those of some files that an open archive has."""
    wanted = {f"{source.folder}/{name}": name for name in names}
    contents = {}
    # Room for a thousand headers; an archive has ten.
    rationed = Rationed(file, 512 * 1024)
    with tarfile.open(fileobj=rationed, mode="r:") as archive:
        for member in archive:
            name = wanted.get(member.name)
            # The files of the set are plain: a link could point to another file, and a
            # sparse file could be all holes.
            if name is None or not member.isreg() or member.issparse():
                continue
            if member.size > source.most_bytes(name):
                raise tarfile.ReadError(f"its {name} has {member.size} bytes")
            rationed.granted += member.size
            contents[name] = archive.extractfile(member).read()
            if len(contents) == len(wanted):
                break
    return contents


def read_archive(path, source, names):
    """Return the content of some files of an archive, without writing to disk."""
    try:
        with open_archive(path) as file:
            contents = read_members(file, source, names)
    # Damaged bytes make tarfile and gzip raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"{path} is truncated or corrupt ({error}); download it again from "
            f"{HOMEPAGE}."
        ) from error
    if missing := [name for name in names if name not in contents]:
        raise ValueError(
            f"{path} lacks the files {missing} of {source.name}; download it again "
            f"from {HOMEPAGE} (the version for Python)."
        )
    return contents


def parse(parser, folder, source, name, *args):
    """Parse a file, and name it if that fails."""
    try:
        return parser(*args)
    # Damaged bytes make pickle raise nearly anything.
    except Exception as error:
        raise ValueError(
            f"The file {name} of {source.name} in {folder} cannot be read "
            f"({type(error).__name__}: {error}); get {source.archive} again from "
            f"{HOMEPAGE} (the version for Python)."
        ) from error


def read_folder(folder, source, names):
    """Return the content of some files of an unpacked archive."""
    if missing := [name for name in names if not (folder / name).is_file()]:
        raise FileNotFoundError(
            f"{folder} lacks the files {missing} of {source.name}; unpack "
            f"{source.archive} again."
        )
    contents = {}
    for name in names:
        with (folder / name).open("rb") as file:
            most = source.most_bytes(name)
            contents[name] = parse(read_at_most, folder, source, name, file, most)
    return contents


def read_files(folder, source, names):
    """Return the content of some files, in the folder or its sub-folder or archive."""
    folder = read_path("folder", folder)
    for candidate in (folder, folder / source.folder):
        if any((candidate / name).is_file() for name in names):
            return read_folder(candidate, source, names)
    for candidate in (folder, folder / source.archive):
        if candidate.is_file():
            return read_archive(candidate, source, names)
    raise FileNotFoundError(
        f"There is no {source.name} in {folder}: neither {source.archive} nor the "
        f"folder {source.folder}. Nothing is downloaded here; get {source.archive} "
        f"from {HOMEPAGE} and pass the folder that it lies in."
    )
