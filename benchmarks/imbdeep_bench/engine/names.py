"""Checks of the names a user types: datasets, methods, presets."""

import difflib


def split_names(text):
    """Split what a user typed at its commas, each name once.

    >>> split_names("usps, madelon,usps,")
    ['usps', 'madelon']
    """
    names = (name.strip() for name in text.split(","))
    return list(dict.fromkeys(name for name in names if name))


def check_names(names, known, option):
    """Raise a ValueError that names the first unknown entry and its nearest match."""
    known = list(known)
    choices = f"hoose from {', '.join(known)}."
    if not names:
        raise ValueError(f"{option} is empty; c{choices}")
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=3)
            hint = f" Did you mean {' or '.join(near)}?" if near else ""
            raise ValueError(
                f"{option} got {name!r}, which is unknown.{hint} C{choices}"
            )


def parse_seeds(text):
    """Read seeds.

    >>> parse_seeds("0-2,7")
    [0, 1, 2, 7]
    """
    seeds = []
    for part in split_names(text):
        first, _, last = part.partition("-")
        seeds += range(int(first), int(last or first) + 1)
    return list(dict.fromkeys(seeds))
