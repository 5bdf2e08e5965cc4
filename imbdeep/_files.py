"""Write files that belong together: all of them, or none."""

import os
from io import BytesIO
from pathlib import Path


def as_bytes(content):
    """Encode a text as UTF-8; bytes pass.

    Half a surrogate pair, which an error's text may hold (Python's stand-in for a byte
    that it could not decode), has no encoding: it is written as its escape.
    """
    if isinstance(content, bytes):
        return content
    return content.encode("utf-8", errors="backslashreplace")


def png(figure, **options):
    """Return a figure as the bytes of a PNG file; options are those of ``savefig``."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", **options)
    return buffer.getvalue()


def write_and_sync(path, content):
    """Write a new file, and wait until it is on disk."""
    with path.open("wb") as file:
        file.write(as_bytes(content))
        file.flush()
        os.fsync(file.fileno())


def write_files(contents):
    """Write files so that a failure leaves the old ones as they were.

    Every file is written under another name beside its place. Only when all are on
    disk do they take their places, each in one step.

    Parameters
    ----------
    contents : dict of path to str or bytes
        Folders are made if need be. Line ends are written as they are.

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
            written[path] = path.with_name(f".{path.name}.{os.getpid()}.tmp")
            write_and_sync(written[path], content)
        for path, temporary in written.items():
            os.replace(temporary, path)
    except OSError as error:
        # A full disk is reported without the file; a temporary name helps nobody.
        raise OSError(error.errno, error.strerror, str(path)) from error
    finally:
        for temporary in written.values():
            temporary.unlink(missing_ok=True)
