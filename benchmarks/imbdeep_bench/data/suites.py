"""The datasets of a run, and what a report has to say about each."""

import sys
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from imbdeep.datasets import (
    IMBLEARN27_NAMES,
    IMBLEARN27_SHARED_ROWS,
    describe_duplicates,
    imblearn27_status,
    load_embedded_suite,
    load_imblearn27,
)
from imbdeep_bench.data.pairs import Dataset, fingerprint
from imbdeep_bench.engine.names import check_names

# Small enough to be run again and again, and of every kind that the 27 hold.
TEN_SETS = (
    *("ecoli", "abalone", "spectrometer", "car_eval_34", "us_crime", "libras_move"),
    *("arrhythmia", "oil", "wine_quality", "yeast_me2"),
)
SIZES = ("n_samples", "n_features", "n_minority")


@dataclass(frozen=True)
class Suite:
    """The datasets of a run."""

    name: str  # 'imblearn27' or 'embedded'; the report's title says it
    data: dict  # the sets that run
    missing: list = field(default_factory=list)  # records of those not in the cache

    def records(self, protocol, seed):
        """Describe every set, missing ones too, for the file of results.

        The protocol and the seed decide how many test rows have copies in the training
        half.
        """
        here = [_dataset_record(bunch, protocol, seed) for bunch in self.data.values()]
        return here + self.missing


def _record(name, provenance, sha256, sizes, **told):
    """Record a set, with what is known of its rows."""
    head = {"kind": "dataset", "name": name, "provenance": provenance, "sha256": sha256}
    unknown = dict.fromkeys(
        ("n_duplicate_rows", "n_conflicting_rows")
        + ("shares_rows_with", "shared_test_fraction")
    )
    return head | {size: int(sizes[size]) for size in SIZES} | unknown | told


def _missing_record(name, status):
    """Record a missing set, with the sizes that the collection documents."""
    shared = [pair for pair in IMBLEARN27_SHARED_ROWS if name in pair]
    twin = next((a if b == name else b for a, b in shared), None)
    return _record(name, "missing", None, status, shares_rows_with=twin)


def _download(names, data_home):
    """Try to get sets that are missing from the cache; return why not, or None."""
    try:
        load_imblearn27(names, data_home)
    except OSError as error:
        return str(error.__cause__ or error)
    return None


def _load_cached(names, data_home):
    """Load those of `names` that are in the cache; record all that it lacks.

    The report then says of the whole collection what is missing, whichever sets run.
    """
    status = imblearn27_status(data_home)
    is_missing = status["provenance"] == "missing"
    present = [name for name in names if not is_missing[name]]
    return Suite(
        "imblearn27",
        load_imblearn27(present, data_home) if present else {},
        [_missing_record(name, row) for name, row in status[is_missing].iterrows()],
    )


def _load_requested(names, data_home):
    """Load the sets that the user named, all of one suite."""
    unknown = [name for name in names if name not in IMBLEARN27_NAMES]
    if unknown:
        embedded = load_embedded_suite()
        check_names(names, [*IMBLEARN27_NAMES, *embedded], "--datasets")
        if len(unknown) < len(names):
            raise ValueError(
                f"--datasets mixes the embedded suite ({', '.join(unknown)}) with the "
                "27 sets; name sets of one suite, and run the others to another --out."
            )
        return Suite("embedded", {name: embedded[name] for name in names})
    check_names(names, IMBLEARN27_NAMES, "--datasets")
    reason = _download(names, data_home)
    suite = _load_cached(names, data_home)
    if not suite.data:
        raise ValueError(
            f"None of --datasets {','.join(names)} can be had ({reason}); leave the "
            "option out to run the embedded suite, or give their folder as --data-home."
        )
    absent = [name for name in names if name not in suite.data]
    if absent:
        print(f"Goes on without {', '.join(absent)}: {reason}", file=sys.stderr)
    return suite


def load_suite(requested, preset, data_home):
    """Load the datasets of a run: those requested by name, or else the preset's.

    A download is tried once, if a set is missing that the user named, or if the whole
    collection is. A preset's sets that are missing from a cache that holds others are
    recorded as missing, and the run goes on without them.

    The embedded suite stands in if none of the preset's sets can be had. A ValueError
    says that a name is unknown, the two suites are mixed, a file is corrupt, or none of
    the sets that the user named can be had.
    """
    if requested is not None:
        return _load_requested(requested, data_home)
    names = preset.dataset_names("imblearn27", IMBLEARN27_NAMES)
    reason = None
    if (imblearn27_status(data_home)["provenance"] == "missing").all():
        reason = _download(names, data_home)
    suite = _load_cached(names, data_home)
    if suite.data:
        return suite
    print(
        f"The 27 sets are not cached and cannot be downloaded ({reason}): the embedded "
        "suite of scikit-learn's own data runs instead.",
        file=sys.stderr,
    )
    embedded = load_embedded_suite()
    names = preset.dataset_names("embedded", embedded)
    return Suite("embedded", {name: embedded[name] for name in names})


def row_groups(X):
    """Number the distinct rows of `X`: equal rows get equal numbers.

    >>> row_groups(np.array([[0.0, 1.0], [2.0, 3.0], [-0.0, 1.0]]))
    array([0, 1, 0])
    """
    # Adding 0.0 turns -0.0, whose bytes differ, into 0.0.
    rows = np.ascontiguousarray(X, dtype=np.float64) + 0.0
    return pd.factorize(pd.Series([row.tobytes() for row in rows], dtype=object))[0]


def shared_test_fraction(group, splits):
    """Mean share of test rows whose exact copy stands in the training half.

    ``group`` is as :func:`row_groups` returns it, ``splits`` are the folds of the run.
    """
    shares = [np.isin(group[s.test], group[s.train]).mean() for s in splits]
    return float(np.mean(shares))


def _dataset_record(bunch, protocol, seed):
    group = row_groups(bunch.data)
    n_labels = pd.Series(bunch.target).groupby(group).transform("nunique")
    splits = [
        protocol.split(bunch.target, fold, seed=seed, dataset=bunch.name)
        for fold in range(protocol.n_folds)
    ]
    duplicates = describe_duplicates(bunch.data, bunch.target)
    return _record(
        *(bunch.name, bunch.provenance, bunch.sha256, bunch),
        n_duplicate_rows=duplicates["n_duplicate_rows"],
        n_conflicting_rows=int((n_labels > 1).sum()),
        shares_rows_with=next(iter(bunch.shares_rows_with), None),
        shared_test_fraction=shared_test_fraction(group, splits),
    )


# --- Sets in the papers --------------------------------------------------------------


def read_sets(names, data_home):
    """Read sets of the collection, the minority labelled 1 and the majority 0."""
    check_names(names, IMBLEARN27_NAMES, "--datasets")
    sets = []
    for name, bunch in load_imblearn27(names, data_home).items():
        y = (bunch.target == 1).astype(int)
        sets.append(Dataset(name, bunch.data, y, fingerprint(bunch.data, y)))
    return sets
