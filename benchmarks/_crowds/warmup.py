"""Table 3.3: three ways to warm a net up, on the draws of the command run.

    python benchmarks/crowds.py warmup --data raw

ICED without rounds: what its warm-up alone learns from the labels of the majority
vote. ICED-w trains on the rows of third highest certainty, then of the second, then of
the highest; Trad-II on the three at once, Trad-I on all rows, for as many epochs in
all: two each as on the paper's USPS, and five, the default.

Cells go to <out>/warmup.jsonl; the same command goes on with them. In the end come
warmup.md and warmup.csv.
"""

from _commands import choose_workers
from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines
from _paper_results import with_rows

from _crowds.methods import WARMUPS
from _crowds.options import (
    add_compute_arguments,
    add_pair_arguments,
    compute_and_report,
    make_pair_grid,
)
from _crowds.results import CROWD, difference_table, mean_table, read_cells, score_frame
from _crowds.tables import (
    convergence_line,
    cost_block,
    count_line,
    crowd_name,
    duel_table,
    lay_out,
    pick_crowd,
    put_published_beside,
    row_table,
    span,
)
from imbdeep._files import write_files

CELLS = "warmup.jsonl"
TITLES = {name: method.title for name, method in WARMUPS.items()}
PUBLISHED = {"accuracy": "accuracy", "macro_f1": "macro F1"}
SHOWN = PUBLISHED | {
    "recall_majority": "recall, majority",
    "recall_minority": "recall, minority",
    "average_precision": "average precision",
}
# ICED-w, and what has as many epochs.
RIVALS = {
    "groups_2": ("certain_2", "all_2"),
    "groups_5": ("certain_5", "all_5"),
}


def add_arguments(parser):
    """Add the options of this command."""
    add_compute_arguments(parser, WARMUPS)
    add_pair_arguments(parser, ["alike"])


def group_line(cells):
    """Say how many rows the three groups of highest certainty have.

    Parameters
    ----------
    cells : DataFrame
        Of one data set and crowd.
    """
    runs = with_rows(cells, "group_rows").drop_duplicates("fold")
    n_certain = [sum(counts[:3]) for counts in runs["group_rows"]]
    n_rows = [sum(counts) for counts in runs["group_rows"]]
    return (
        f"Rows in the three groups of highest certainty: {span(n_certain)} of "
        f"{span(n_rows)}."
    )


def crowd_blocks(key, means, differences, cells):
    """Heading and tables of one data set and crowd."""
    part = pick_crowd(means, key)
    table = lay_out(part, SHOWN, TITLES)
    table = put_published_beside(table, key, WARMUPS, PUBLISHED, "3.3")
    blocks = [
        f"## {crowd_name(*key)}",
        group_line(pick_crowd(cells, key)),
        to_markdown(table),
    ]
    for first, table in differences.items():
        duel = pick_crowd(table, key)
        if not duel.empty:
            duels = duel_table(duel, RIVALS[first], PUBLISHED, TITLES)
            blocks += [f"{TITLES[first]}, minus the others:", to_markdown(duels)]
    return blocks


def make_report(cells):
    """Return warmup.md and the frame of warmup.csv."""
    scores = score_frame(cells)
    means = mean_table(scores)
    differences = {
        first: difference_table(scores, first, rivals)
        for first, rivals in RIVALS.items()
    }
    blocks = [
        "# Three ways to warm up",
        f"{count_line(cells)} Mean ± standard error over the runs that every method "
        "has been through. Published: Table 3.3 of the dissertation, where 103 of the "
        "734 rows of USPS are in the three groups. That of Gisette, another set than "
        "Madelon, had 15 epochs in all and 2,043 of 3,080 rows.",
    ]
    for key in means[CROWD].drop_duplicates().itertuples(index=False, name=None):
        blocks += crowd_blocks(key, means, differences, cells)
    blocks += [
        "## Failed cells",
        failure_lines(cells, WARMUPS) or "None.",
        "## Seconds",
        cost_block(cells, TITLES),
        convergence_line(cells, TITLES),
        "## Rows",
        to_markdown(row_table(cells)),
    ]
    return "\n\n".join(blocks) + "\n", means


def write_report(out):
    """Write the table to a folder that holds cells; return the path of warmup.md."""
    text, means = make_report(read_cells(out / CELLS, "crowds.py warmup", WARMUPS))
    path = out / "warmup.md"
    write_files({out / "warmup.csv": means.to_csv(index=False), path: text})
    return path


def run(args):
    """Compute what is missing, and report; return the exit code."""
    workers = choose_workers(args, "cpu")
    grid = make_pair_grid(args, "crowds warm-up", WARMUPS)
    return compute_and_report(args, CELLS, grid, workers, write_report)
