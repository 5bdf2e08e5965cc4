"""Runs that nobody made."""


def scores_of_a_run(fake_cell, shifts, n_seeds=4, **where):
    """Records of scores that differ by method and, a little, by seed.

    Parameters
    ----------
    fake_cell : callable
        Makes the record of a method, a seed and a score.
    shifts : dict of str to float
        By how much each method differs from 0.5.
    n_seeds : int, default=4
    **where
        For ``fake_cell``.
    """
    return [
        fake_cell(method, seed, 0.5 + shift + seed * (0.01 + 0.01 * shift), **where)
        for seed in range(n_seeds)
        for method, shift in shifts.items()
    ]
