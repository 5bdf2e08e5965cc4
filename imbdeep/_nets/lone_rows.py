"""Batches of one row, on which batch norm cannot train."""

from contextlib import contextmanager


@contextmanager
def explaining_lone_rows(module):
    """Say what helps where batch norm refuses a batch of one row.

    It needs two values of each channel: images of several pixels pass.

    Parameters
    ----------
    module : nn.Module
        Named in errors.

    Raises
    ------
    ValueError
        In place of torch's, which speaks of channels.

    Examples
    --------
    >>> import torch
    >>> from imbdeep._nets.lone_rows import explaining_lone_rows
    >>> norm = torch.nn.BatchNorm1d(3)
    >>> with explaining_lone_rows(norm):
    ...     norm(torch.zeros(1, 3))
    Traceback (most recent call last):
    ValueError: Batch norm in BatchNorm1d cannot train on a batch of a single row. ...
    """
    try:
        yield
    except ValueError as error:
        if "more than 1 value per channel" not in str(error):
            raise
        raise ValueError(
            f"Batch norm in {type(module).__name__} cannot train on a batch of a "
            "single row. Set batch_size to 2 or more, and give partial_fit as many "
            "rows. An iterator of your own has to leave out a last batch of one, as "
            "with iterator_train__drop_last=True."
        ) from error
