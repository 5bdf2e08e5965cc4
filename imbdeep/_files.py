"""Write files so that nobody ever finds half of one."""

import os
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path


def as_bytes(content):
    """Encode text as UTF-8; bytes pass unchanged.

    A lone surrogate, Python's replacement for a byte that it could not decode, has no
    encoding; it is written as its escape.
    """
    if isinstance(content, bytes):
        return content
    return content.encode("utf-8", errors="backslashreplace")


def png(figure, **options):
    """Return a figure as the bytes of a PNG file; options are those of ``savefig``."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()


@contextmanager
def opened_and_synced(path):
    """Open a new file to write bytes, and wait in the end until it is on the disk."""
    with path.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_and_sync(path, content):
    """Write a new file, and wait until it is on the disk."""
    with opened_and_synced(path) as file:
        file.write(as_bytes(content))


def _temporary(path):
    # In the same folder: a replacement is atomic within a file system only.
    return path.with_name(f".{path.name}.{os.getpid()}.tmp")


@contextmanager
def replacing(path):
    """Open a new file, which takes the place of another once it is complete.

    For what is too large to be held as a whole; see :func:`write_files`.
    """
    temporary = _temporary(path)
    try:
        with opened_and_synced(temporary) as file:
            yield file
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_files(contents):
    """Write files so that a failure leaves the old ones as they were.

    Every file is first written under a temporary name in the same folder. Once all are
    on the disk, each replaces its old version in one step.

    Parameters
    ----------
    contents : dict of path to str or bytes
        Folders are created if need be. Line ends are written as they are.

    Raises
    ------
    OSError
        If a file cannot be written; the message names it.
    """
    written = {}
    try:
        for path, content in contents.items():
            path = Path(path)
            path.parent.mkdir(parents=True, exist_ok=True)
            written[path] = _temporary(path)
            write_and_sync(written[path], content)
        for path, temporary in written.items():
            os.replace(temporary, path)
    except OSError as error:
        # A full disk is reported without a file, and a temporary name helps nobody.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)
