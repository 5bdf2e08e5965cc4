"""Write the tables of the docs on peers from runs of the preset ``members``.

    python docs/benchmarks/update_members.py results/members/cells.jsonl ...

Run it from the repository root, after ``benchmarks/imblearn27.py --preset members``.
The scores of every fit are kept in ``docs/benchmarks/members/fits.csv``: those of the
given runs are added, or take the place of the same method's on the same split. Tables
and pictures are of methods that were fitted on all splits, and the first of them goes
to README.md, too; one that was fitted on some is compared on these, in ``some.csv``.
"""

import sys
from pathlib import Path

import pandas as pd
from markers import replace_between_markers

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "benchmarks"))

from imbdeep.reporting import (  # noqa: E402
    plot_critical_difference,
    rank_methods,
    wilcoxon_holm,
)
from imbdeep_bench.report.cells import read_cells  # noqa: E402
from imbdeep_bench.report.metrics import metric_info  # noqa: E402
from imbdeep_bench.report.styles import method_styles  # noqa: E402

METRICS = ["average_precision", "log_loss", "g_mean_tuned"]
DRAWN = METRICS[:2]
CONTROL = "imbalanced"
# As the README has them; others go by their names.
TITLES = {
    "imbalanced": "`ImbalancedClassifier`",
    "catboost": "CatBoost",
    "lightgbm": "LightGBM",
    "hist_gb": "HistGradientBoosting",
    "random_forest": "random forest",
    "easy_ensemble": "EasyEnsemble",
    "balanced_bagging": "BalancedBagging",
    "voting": "net and HistGradientBoosting, averaged",
}
OUT = HERE / "members"
FITS = OUT / "fits.csv"
SPLIT = ["dataset", "fold"]
KEYS = [*SPLIT, "method"]


def fits_of(cells):
    """Scores and seconds of every fit of a run, NaN where it failed."""
    table = cells.scores[cells.scores["metric"].isin(METRICS)]
    table = table.pivot(index=KEYS, columns="metric", values="value")
    seconds = cells.cells.set_index(KEYS)["fit_seconds"].astype(float)
    table = table.reindex(index=seconds.index, columns=METRICS)
    return table.assign(fit_seconds=seconds)


def add_fits(kept, cells):
    """Return the fits that are kept with those of a run in place of older ones."""
    new = fits_of(cells)
    return pd.concat([kept[~kept.index.isin(new.index)], new]).sort_index()


def methods_by_splits(fits):
    """Return the methods that were fitted on all splits, ours first, and the others."""
    n_splits = fits.groupby("method").size()
    on_all = n_splits == len(fits.index.droplevel("method").unique())
    rivals = sorted(on_all.index[on_all].difference([CONTROL]))
    return [CONTROL, *rivals], sorted(on_all.index[~on_all])


def means_of(fits, methods, metric):
    """Means over the splits that all had: sets by methods, NaN where a fit failed."""
    n_had = fits.groupby(["method", *SPLIT]).size().unstack("method")[methods]
    had = n_had.index[n_had.notna().all(axis=1)]
    scores = fits[metric].unstack("method").loc[had, methods]
    return scores.groupby("dataset").agg(lambda folds: folds.mean(skipna=False))


def duel(fits, methods, metric):
    """Ours against each other method: sets won and lost, and Holm's p."""
    means = means_of(fits, methods, metric)
    better = metric_info(metric).greater_is_better
    pairs = wilcoxon_holm(means, CONTROL, greater_is_better=better)
    return pd.DataFrame(
        {
            "metric": metric.replace("_", " "),
            "against": pairs["method"],
            "won": pairs["losses"],
            "lost": pairs["wins"],
            "median gain": (-pairs["median_gain"]).map("{:+.3f}".format),
            "p (Holm)": pairs["p_holm"].map("{:.2g}".format),
        }
    )


def summary(fits, methods):
    """Mean score and mean rank of each method, best ranks first, and its seconds."""
    columns, ranks = {}, {}
    for metric in METRICS:
        means = means_of(fits, methods, metric)
        better = metric_info(metric).greater_is_better
        ranks[metric] = rank_methods(means, greater_is_better=better).mean()
        told = metric.replace("_", " ")
        columns[told] = means.mean().map("{:.3f}".format)
        columns[f"rank by {told}"] = ranks[metric].map("{:.2f}".format)
    seconds = fits["fit_seconds"].groupby("method").median()
    columns["fit [s], median"] = seconds[methods].map("{:.1f}".format)
    return pd.DataFrame(columns).loc[ranks[METRICS[0]].sort_values().index]


def on_some_splits(fits, method):
    """Return the scores of a method, and ours, on the splits that it was fitted on."""
    had = fits.xs(method, level="method")
    told = {"splits": len(had)}
    for metric in METRICS:
        means = means_of(fits, [CONTROL, method], metric)
        row = duel(fits, [CONTROL, method], metric).iloc[0]
        name = metric.replace("_", " ")
        told[f"{name}, this and ours"] = (
            f"{means[method].mean():.3f}, {means[CONTROL].mean():.3f}"
        )
        told[f"{name}, won by ours"] = (
            f"{row['won']} of {len(means)}, p = {row['p (Holm)']}"
        )
    told["fit [s], median"] = f"{had['fit_seconds'].median():.1f}"
    return pd.Series(told, name=method)


def main(paths):
    fits = pd.read_csv(FITS, index_col=KEYS)
    for path in paths:
        fits = add_fits(fits, read_cells(path))
    fits.map("{:.6g}".format).replace("nan", "").to_csv(FITS)
    methods, others = methods_by_splits(fits)
    table = summary(fits, methods)
    table.to_csv(OUT / "summary.csv", index_label="method")
    shown = table.rename(index=TITLES).rename_axis(None)
    replace_between_markers("peers", shown.to_markdown(disable_numparse=True))
    duels = pd.concat([duel(fits, methods, metric) for metric in METRICS])
    duels.to_csv(OUT / "duels.csv", index=False)
    if others:
        some = pd.DataFrame([on_some_splits(fits, method) for method in others])
        some.to_csv(OUT / "some.csv", index_label="method")
    for metric in DRAWN:
        means = means_of(fits, methods, metric)
        means.map("{:.3f}".format).to_csv(OUT / f"{metric}.csv")
        info = metric_info(metric)
        figure = plot_critical_difference(
            means,
            greater_is_better=info.greater_is_better,
            label=info.label,
            styles=method_styles(methods),
        )
        figure.savefig(OUT / f"{metric}.png", dpi=80)


if __name__ == "__main__":
    main([Path(path) for path in sys.argv[1:]])
