"""Runs that nobody made."""


def scores_of_a_run(fake_cell, shifts, n_seeds=4, **where):
    """Records of scores that differ from 0.5 by method and, a little, by seed.

    ``fake_cell`` makes the record of a method, a seed, a score and ``where`` it is.
    """
    return [
        fake_cell(method, seed, 0.5 + shift + seed * (0.01 + 0.01 * shift), **where)
        for seed in range(n_seeds)
        for method, shift in shifts.items()
    ]
