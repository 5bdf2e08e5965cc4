"""Table 3.2: learning from imbalanced crowds, made of USPS and Madelon.

    python benchmarks/crowds.py run --data raw

Section 3.3.1.1 of the dissertation: a majority and a minority class, cut to the same
size; 80 % of either are candidates, the rest tests. A net learns the candidates until
it knows 98 % of them, what it is unsure of is hard, and workers err more often on it:
9 of them for USPS, 7 for Madelon, which stands in for Gisette. Of the minority's
candidates 90 % are then removed. Seed by seed, all methods see the same rows.

--crowds alike are the dissertation's, who all err in 30 % of the rows; unlike ones err
in 10 to 40 % of them.

Every finished cell (data set and crowd, method, seed) goes to <out>/cells.jsonl at
once. Stop whenever you like: the same command goes on, and tries failed cells once
more. Methods, crowds and seeds may be added to a run; other pairs need another --out.
In the end come tables.md, tables.csv (means and standard errors), differences.csv (ICED
minus every other method, run by run) and inference.csv.
"""

from _commands import choose_workers
from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines

from _crowds.data import KINDS
from _crowds.methods import METHODS, OURS
from _crowds.options import (
    add_compute_arguments,
    add_pair_arguments,
    compute_and_report,
    make_pair_grid,
)
from _crowds.results import (
    CROWD,
    INFERENCE,
    STEPS,
    difference_table,
    inference_table,
    mean_table,
    read_cells,
    score_frame,
)
from _crowds.tables import (
    best_first,
    convergence_line,
    cost_block,
    count_line,
    crowd_name,
    duel_table,
    lay_out,
    pick_crowd,
    put_published_beside,
    row_table,
)
from imbdeep._files import write_files

CELLS = "cells.jsonl"
TITLES = {name: method.title for name, method in METHODS.items()}
PUBLISHED = {"accuracy": "accuracy", "macro_f1": "macro F1"}
SHOWN = PUBLISHED | {
    "g_mean": "g-mean",
    "recall_majority": "recall, majority",
    "recall_minority": "recall, minority",
    "average_precision": "average precision",
}


def add_arguments(parser):
    """Add the options of this command."""
    add_compute_arguments(parser, METHODS)
    add_pair_arguments(parser, KINDS)


def crowd_blocks(key, means, differences, inference):
    """Heading and tables of one data set and crowd."""
    part = pick_crowd(means, key)
    order = best_first(part, "accuracy")
    ordered = {name: TITLES[name] for name in order}
    table = lay_out(part, SHOWN, ordered)
    table = put_published_beside(table, key, METHODS, PUBLISHED, "3.2")
    steps = lay_out(pick_crowd(inference, key), INFERENCE, {s: s for s in STEPS})
    blocks = [f"## {crowd_name(*key)}", to_markdown(table)]
    duel = pick_crowd(differences, key)
    if not duel.empty:
        duels = duel_table(duel, order, PUBLISHED, TITLES)
        blocks += [f"{TITLES[OURS]} minus the others:", to_markdown(duels)]
    if not steps.empty:
        blocks += ["Inferred labels of the training rows:", to_markdown(steps)]
    return blocks


def make_report(cells):
    """Return tables.md, and the frames of the three CSV files.

    Parameters
    ----------
    cells : DataFrame
        As :func:`~_crowds.results.read_cells` gives them.
    """
    scores = score_frame(cells)
    means, inference = mean_table(scores), inference_table(cells)
    differences = difference_table(scores, OURS, METHODS)
    blocks = [
        "# Learning from imbalanced crowds",
        f"{count_line(cells)} Mean ± standard error over the runs that every method "
        "has been through; best accuracy first. Published: Table 3.2 of the "
        "dissertation, whose workers are alike; that of Gisette stands beside Madelon, "
        "which is another set. Dashes where a method was run on one side only. A star: "
        "some runs failed, and the mean is of the others; the method comes last.",
        "Differences are on the same rows, run by run. Wilcoxon's signed-rank test is "
        "two-sided and not corrected for the number of rows here; runs draw from the "
        "same data, so that its p-values are rather too small.",
    ]
    for key in means[CROWD].drop_duplicates().itertuples(index=False, name=None):
        blocks += crowd_blocks(key, means, differences, inference)
    blocks += [
        "## Failed cells",
        failure_lines(cells, METHODS) or "None.",
        "## Seconds",
        "Means over the runs that did not fail. A cell draws the rows, trains the "
        "difficulty net and fits.",
        cost_block(cells, TITLES),
        convergence_line(cells, TITLES),
        "## Rows",
        "Wrong annotations: the shares of the best and the worst worker. Rows by "
        "certainty: of highest, second, third and of less. Difficulty net: its "
        "training accuracy, and epochs.",
        to_markdown(row_table(cells)),
        "## What the dissertation leaves open, or says otherwise",
        "- How often workers err, and how that follows from the net's softmax, is not "
        "said. Here a worker of error rate 0.3 errs with probability 0.6 times the "
        "rank of a row's difficulty within its class, from 0 to 1.\n"
        "- 80 % of a class are rounded up and 10 % of the minority rounded down, which "
        "alone gives 668 + 66 training rows and 332 tests of a class of 834.\n"
        "- Which classes, and how many runs: here each seed draws a pair (with --pairs "
        "drawn) and a split of its own, and the standard errors know of it.\n"
        "- Nets are the library's, at its defaults but for the epochs: 10 for a net on "
        "inferred labels and for Crowd-Layer, which were the best of 5, 10 and 20 for "
        "both on other draws; ICED is at its defaults.\n"
        "- MV + net, early stopping watches validation rows labelled by the majority "
        "vote; truth + net learns from the truth, which the others never see.\n"
        "- F1 is the macro average; the test set is balanced.",
    ]
    return "\n\n".join(blocks) + "\n", means, differences, inference


def write_report(out):
    """Write the tables to a folder that holds cells; return the path of tables.md."""
    cells = read_cells(out / CELLS, "crowds.py run", METHODS)
    text, means, differences, inference = make_report(cells)
    path = out / "tables.md"
    write_files(
        {
            out / "tables.csv": means.to_csv(index=False),
            out / "differences.csv": differences.to_csv(index=False),
            out / "inference.csv": inference.to_csv(index=False),
            path: text,
        }
    )
    return path


def run(args):
    """Compute what is missing, and report; return the exit code."""
    workers = choose_workers(args, "cpu")
    grid = make_pair_grid(args, "crowds", METHODS)
    return compute_and_report(args, CELLS, grid, workers, write_report)
