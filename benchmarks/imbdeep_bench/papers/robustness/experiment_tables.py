"""Nets that train for robustness on imbalanced tables: varied, fixed and scored."""

from dataclasses import dataclass

import numpy as np
from sklearn.metrics import average_precision_score

from imbdeep.attacks import adversarial_rows
from imbdeep.datasets import TABLE_CORRUPTIONS, corrupt_table
from imbdeep_bench.data.suites import TEN_SETS
from imbdeep_bench.engine import command
from imbdeep_bench.engine.protocol import derive_seed
from imbdeep_bench.papers.robust import experiment_tables
from imbdeep_bench.papers.robust.threats import RADII
from imbdeep_bench.papers.robustness import report_tables
from imbdeep_bench.papers.robustness.methods_tables import METHODS

# All columns of car_eval_34 are categories, which no training here moves. Those of
# thyroid_sick are categories and numbers.
SETS = tuple({"car_eval_34": "thyroid_sick"}.get(name, name) for name in TEN_SETS)
SEVERITY = 3

# --- Scores --------------------------------------------------------------------------


def score_rows(model, X, y, where):
    """Return average precision, and recall of the rare class, 1, at one half."""
    proba = model.predict_proba(X)[:, 1]
    return {
        f"ap_{where}": float(average_precision_score(y, proba)),
        f"recall_{where}": float((proba[y == 1] >= 0.5).mean()),
    }


def corrupted_scores(model, rows, seed):
    """Score under each corruption, and by the mean over them.

    Levels are the columns that no training moves. Where there are none, none is noisy.
    """
    scores, is_level = {}, ~rows.more
    names = [n for n in TABLE_CORRUPTIONS if n != "level_noise" or is_level.any()]
    known = {"reference": rows.X_train, "categorical_features": is_level}
    for name in names:
        own = {"random_state": derive_seed(seed, name)}
        moved = corrupt_table(rows.X_test, name, SEVERITY, **known, **own)
        scores |= score_rows(model, moved, rows.y_test, name)
    for score in ("ap", "recall"):
        told = [scores[f"{score}_{name}"] for name in names]
        scores[f"{score}_corrupted"] = float(np.mean(told))
    return scores


def attacked_scores(model, rows, seed, attack_steps):
    """Score a net under projected gradient ascent at the radius of training."""
    ball = {"eps": RADII[-1], "eps_unit": "std", "std": rows.X_train.std(axis=0)}
    own = {"attack_steps": attack_steps, "random_state": derive_seed(seed, "pgd")}
    moved = adversarial_rows(
        model, rows.X_test, rows.y_test, perturb=rows.more, **ball, **own
    )
    return score_rows(model, moved, rows.y_test, "pgd")


# --- Experiment ----------------------------------------------------------------------


@dataclass(frozen=True)
class Tables(experiment_tables.Tables):
    """Ours: what training for robustness costs the rare class of tables, or gains it.

        python benchmarks/papers.py robustness tables

    Ten of the 27 sets: small ones of every kind, where numbers can be moved. Folds are
    stratified halves. All nets train for 50 epochs on all rows of the training half:
    plainly, with adversarial noise, against one shift for all rows, for a heap of them
    and for each. Two are weighted by class. Boosting stands beside them, without
    LightGBM and CatBoost where these are not installed. Shifts are at most a tenth of
    the standard deviation of a column; those of one or two values are taken for
    categories, and do not move.

    Scores: average precision, and recall of the rare class where its probability is one
    half or more, on clean test rows, under each corruption of corrupt_table at severity
    3, with the same draws for all methods, and, of nets, under PGD.

    Cells go to <out>/tables.jsonl; the same command goes on with them. In the end come
    tables.md, tables.csv (means over the folds), tables_summary.csv (means and ranks
    over the sets) and tables.png. A repeat, of two halves, takes a quarter of an hour
    of one processor.
    """

    suite = "robustness tables"
    out = "results/robustness"
    methods = METHODS
    sets = SETS
    n_repeats = 2
    report = staticmethod(report_tables.write_tables)

    def score(self, cell, model, rows, seed):
        # Of the fold alone: all methods see the same rows corrupted alike.
        scores = score_rows(model, rows.X_test, rows.y_test, "clean")
        scores |= corrupted_scores(model, rows, cell.seed)
        if cell.method.kind == "net":
            steps = self.strength.attack_steps
            scores |= attacked_scores(model, rows, cell.seed, steps)
        return {"scores": scores}

    @classmethod
    def plan(cls, args):
        if args.methods is None:
            args.methods = command.names_installed(cls.methods)
        return super().plan(args)
