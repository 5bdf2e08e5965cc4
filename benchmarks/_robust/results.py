"""What the cells of pictures say: means, and how far one method is ahead."""

import numpy as np
import pandas as pd
from _paper_results import (
    LEAD_COLUMNS,
    describe_lead,
    read_complete_cells,
)

from _robust.methods import METHODS
from _robust.scores import METRICS

SETTING = ["data", "imbalance", "norm", "eps"]
SETTING_ORDER = {"data": (), "norm": (), "eps": (), "imbalance": ()}
AGREEMENT = {
    "shown": "PGD-20",
    "restarts": "restarts",
    "square": "black box",
    "worst": "worst of all",
    "disagree": "not all agree",
    "square_alone": "black box alone",
    "missed_by_shown": "missed by PGD-20",
}
# Whose lead over whom is told.
DUELS = {
    "srat_ce": ["drcb_ce"],
    "srat_focal": ["drcb_focal"],
    "srat_ldam": ["drcb_ldam", "ce", "cb_reweight"],
    "drcb_ldam": ["ce"],
    "cb_reweight": ["ce"],
    "srat_ldam_kept": ["drcb_ldam_kept", "srat_ldam", "ce_kept", "cb_reweight_kept"],
    "drcb_ldam_kept": ["drcb_ldam", "ce_kept", "cb_reweight_kept"],
    "cb_reweight_kept": ["cb_reweight", "ce_kept"],
    "ce_kept": ["ce"],
    "imb_mix": [
        "ce",
        "resample",
        "cb_reweight",
        "mixup",
        "rebalanced_mixup",
        "imb_mix_plain",
    ],
}


def read_cells(path, command="robust.py images"):
    """Read the runs that every method of a data set and threat has been through.

    Returns
    -------
    cells : DataFrame
        As :func:`~_paper_results.read_complete_cells` gives them.
    """
    order = {**SETTING_ORDER, "fold": (), "method": METHODS}
    return read_complete_cells(path, command, order)


def score_frame(cells):
    """Return accuracies, a row a cell and a column a metric; NaN: failed."""
    values = [[s.get(name, np.nan) for name in METRICS] for s in cells["scores"]]
    return pd.DataFrame(
        values,
        columns=pd.Index(METRICS, name="metric"),
        index=pd.MultiIndex.from_frame(cells[[*SETTING, "method", "fold"]]),
    )


def mean_table(scores):
    """Average over the runs.

    Parameters
    ----------
    scores : DataFrame
        As :func:`score_frame` gives them.

    Returns
    -------
    table : DataFrame
        A row for each setting, metric and method: ``mean`` and standard deviation
        ``std`` over the runs that did not fail, as the dissertation has them, and
        their numbers ``n_runs`` and ``n_failed``.
    """
    is_failed = scores.isna().all(axis=1)
    # What only some settings have, balanced ones not, is no failure.
    is_told = scores.notna().where(~is_failed, True).stack(future_stack=True)
    groups = scores.stack(future_stack=True)[is_told].groupby(
        [*SETTING, "metric", "method"], sort=False
    )
    table = groups.agg(["mean", "std", "count", "size"])
    table["n_failed"] = table["size"] - table["count"]
    table = table.rename(columns={"count": "n_runs"})
    return table[["mean", "std", "n_runs", "n_failed"]].reset_index()


def leads(scores, where):
    """Compare the methods of :data:`DUELS`, run by run.

    Parameters
    ----------
    scores : DataFrame
        Part of what :func:`score_frame` gives, of one setting or of several.
    where : dict
        What the rows say of the part.

    Returns
    -------
    rows : list of dict
        See :func:`~_paper_results.describe_lead`. Runs where either failed are left
        out.
    """
    rows = []
    for metric in METRICS:
        by_run = scores[metric].unstack("method")
        for first, rivals in DUELS.items():
            for other in rivals:
                if not {first, other} <= set(by_run):
                    continue
                lead = (by_run[first] - by_run[other]).dropna()
                if not lead.empty:
                    who = {"first": first, "minus": other, "metric": metric}
                    rows.append(where | who | describe_lead(lead))
    return rows


def difference_table(scores):
    """Compare the methods of :data:`DUELS` in each setting, and in all of a threat.

    Returns
    -------
    table : DataFrame
        A row for each setting, pair of methods and metric; imbalance ``'all'`` holds
        the runs of all imbalances of a data set and threat.
    """
    rows = []
    threat = [name for name in SETTING if name != "imbalance"]
    for key, part in scores.groupby(level=threat, sort=False):
        where = dict(zip(threat, key, strict=True))
        rows += leads(part, where | {"imbalance": "all"})
        for imbalance, own in part.groupby(level="imbalance", sort=False):
            rows += leads(own, where | {"imbalance": imbalance})
    columns = [*SETTING, "first", "minus", "metric", *LEAD_COLUMNS]
    return pd.DataFrame(rows, columns=columns)


def agreement_table(cells):
    """Average what the attacks agree on over the runs that did not fail.

    Returns
    -------
    table : DataFrame
        A row for each setting and method; columns of :data:`AGREEMENT`, and
        ``n_rows`` of a run.
    """
    finished = cells[cells["status"] == "ok"]
    if finished.empty:
        return pd.DataFrame(columns=[*SETTING, "method", "n_rows", *AGREEMENT])
    told = pd.DataFrame(list(finished["agreement"]), index=finished.index)
    told = finished[[*SETTING, "method"]].join(told)
    return told.groupby([*SETTING, "method"], sort=False).mean().reset_index()


def class_table(cells):
    """Average the accuracies of each class over the runs that did not fail.

    Returns
    -------
    table : DataFrame
        A row for each setting, method and class: ``standard``, ``robust``, and
        training rows ``n_train`` of the first run.
    """
    finished = cells[cells["status"] == "ok"]
    rows = []
    for key, part in finished.groupby([*SETTING, "method"], sort=False):
        standard, robust = (
            np.mean(part[name].tolist(), axis=0)
            for name in ("class_standard", "class_robust")
        )
        counts = part["class_counts"].iloc[0]
        where = dict(zip([*SETTING, "method"], key, strict=True))
        for label, accuracies in enumerate(zip(standard, robust, counts, strict=True)):
            names = ("standard", "robust", "n_train")
            told = dict(zip(names, accuracies, strict=True))
            rows.append(where | {"class": label} | told)
    columns = [*SETTING, "method", "class", "standard", "robust", "n_train"]
    return pd.DataFrame(rows, columns=columns)


def pick_setting(table, key):
    """Return the rows of one setting."""
    return table[(table[SETTING] == list(key)).all(axis=1)]
