"""The report of the pictures: tables.md and its CSV files, and classes.png."""

from _explicit_gradient.markdown import to_markdown
from _paper_cells import failure_lines
from _paper_results import with_rows

from _robust.classes import draw_classes
from _robust.layout import (
    FOUR,
    agreement_block,
    chapter_table,
    cost_block,
    count_line,
    duel_table,
    heading,
    lay_out,
)
from _robust.methods import CHAPTERS, METHODS
from _robust.results import (
    SETTING,
    agreement_table,
    class_table,
    difference_table,
    mean_table,
    pick_setting,
    read_cells,
    score_frame,
)
from _robust.scores import METRICS
from imbdeep._files import png, write_files

CELLS = "images.jsonl"
TITLES = {name: method.title for name, method in METHODS.items()}
STRONG = {name: title for name, title in METRICS.items() if name not in FOUR}
TOLD = FOUR | {"worst_under": METRICS["worst_under"]}

INTRODUCTION = (
    "Accuracies in percent on a balanced test set, mean ± standard deviation over the "
    "seeds that every method has been through; 'under' is the rarest half of the "
    "classes. Robust: under PGD of 20 steps. Published: the table of the dissertation "
    "named above each, of ResNet-18 on CIFAR; beside USPS it is of another data set "
    "and net, and no more than the order of the methods can be compared. A star: some "
    "runs failed, and the mean is of the others.",
    "Differences are on the same rows, seed by seed: mean ± standard error (won-lost, "
    "p of Wilcoxon's signed-rank test, two-sided and not corrected for the number of "
    "rows). Five seeds alone cannot bring it below 0.062. Runs draw from the same "
    "data, so that p-values over all imbalances are rather too small.",
)
AGREEMENT_NOTE = (
    "Do the attacks agree? On the same test rows: accuracy under PGD-20, under "
    "PGD of 50 steps and 10 restarts, under the black-box search of 1,000 queries, and "
    "under the worst of the three; shares of rows on which not all agree, on which the "
    "black box alone succeeds (gradients that are masked would show here), and on "
    "which PGD-20 fails but another attack does not."
)
OPEN_POINTS = (
    "- USPS is small and nearly balanced: each seed draws 100 test rows of each class, "
    "and what is left is made imbalanced, classes rarer in the order 0 to 9. No other "
    "part is set aside: nothing stops early, and nothing is chosen by a score.\n"
    "- On USPS the radius was fixed on draws 100 and 101, see the constants in "
    "threats.py, and the learning rate, by adversarial training with cross-entropy, "
    "and the weight of the separation loss on draws 101 and 102. Epochs, net and "
    "learning rate are the same for all methods.\n"
    "- Chapter 5 trains CIFAR for 250 epochs, chapter 4 for 200, with drops of the "
    "learning rate at epochs 160 and 180 in either; a run on CIFAR is of one chapter. "
    "On USPS all methods have 40 epochs, and drops at 80 and 90 % of them. Momentum, "
    "weight decay and batch size are not in the dissertation.\n"
    "- remix + adv. of the dissertation is its rebalanced mixup of adversarial rows, "
    "without copies and averaging; adv. + data_aug is Imb-Mix without averaging, of "
    "which the dissertation has figures only (5.2 to 5.7).\n"
    "- CE is both CE of chapter 4 and vanilla adv. of chapter 5, CB-Reweight is also "
    "adv. + reweight: on USPS each is trained once."
)


def chapter_blocks(part, key, chapter):
    """Heading and table of what one chapter compares."""
    methods = {name: METHODS[name] for name in CHAPTERS[chapter]}
    number, table = chapter_table(part, key, chapter, methods)
    if len(table) == 0:
        return []
    title = f"Methods of chapter {chapter}"
    title += f"; published: Table {number}." if number else "; nothing is published."
    return [title, to_markdown(table)]


def setting_blocks(key, means, differences, agreement, chapters):
    """Heading and tables of one data set, imbalance and threat."""
    part = pick_setting(means, key)
    blocks = [f"## {heading(*key)}"]
    for chapter in chapters:
        blocks += chapter_blocks(part, key, chapter)
    duels = pick_setting(differences, key)
    if not duels.empty:
        table = duel_table(duels, TOLD, TITLES)
        blocks += ["Differences:", to_markdown(table)]
    strong = lay_out(part, METHODS, STRONG, TITLES)
    blocks += ["Stronger attacks:", to_markdown(strong)]
    told = pick_setting(agreement, key)
    if not told.empty:
        blocks += ["Agreement of the attacks:", agreement_block(told, TITLES)]
    return blocks


def overall_blocks(differences):
    """Differences over all imbalances of each data set and threat."""
    told = differences[differences["imbalance"] == "all"]
    blocks = []
    for key in told[SETTING].drop_duplicates().itertuples(index=False, name=None):
        table = duel_table(pick_setting(told, key), TOLD, TITLES)
        data, _, norm, eps = key
        title = f"{data}, {norm} {eps:.3g}, the runs of all its imbalances:"
        blocks += [title, to_markdown(table)]
    return ["## All imbalances together", *blocks] if blocks else []


def row_lines(cells):
    """Say how many rows each class has in training."""
    runs = with_rows(cells, "class_counts").drop_duplicates(["data", "imbalance"])
    return "\n".join(
        f"- {run.data}, {run.imbalance}: {', '.join(map(str, run.class_counts))}; "
        f"{run.n_test} test rows"
        for run in runs.itertuples()
    )


def make_report(cells, chapters=CHAPTERS):
    """Return tables.md, and the frames of its CSV files by their names.

    Parameters
    ----------
    cells : DataFrame
        As :func:`~_robust.results.read_cells` gives them.
    chapters : iterable of {4, 5}, default=CHAPTERS
        Whose tables to show, beside what they published.
    """
    scores = score_frame(cells)
    frames = {
        "tables": mean_table(scores),
        "differences": difference_table(scores),
        "agreement": agreement_table(cells),
        "classes": class_table(cells),
    }
    means, differences, agreement, _ = frames.values()
    seeds = ", ".join(map(str, sorted(cells["fold"].unique())))
    blocks = [
        "# Adversarial training under imbalance",
        f"{count_line(cells)} Seeds {seeds}.",
        *INTRODUCTION,
        AGREEMENT_NOTE,
        *overall_blocks(differences),
    ]
    for key in means[SETTING].drop_duplicates().itertuples(index=False, name=None):
        blocks += setting_blocks(key, means, differences, agreement, chapters)
    blocks += [
        "## Failed cells",
        failure_lines(cells, METHODS) or "None.",
        "## Seconds",
        "A cell draws the rows, fits, and makes all attacks.",
        cost_block(cells, ["data", "imbalance"], TITLES),
        "## Training rows of each class",
        row_lines(cells),
        "## What the dissertation leaves open, or says otherwise",
        OPEN_POINTS,
    ]
    return "\n\n".join(blocks) + "\n", frames


def write_report(out, chapters=CHAPTERS):
    """Write the tables to a folder that holds cells; return the path of tables.md."""
    text, frames = make_report(read_cells(out / CELLS), chapters)
    files = {f"{name}.csv": frame.to_csv(index=False) for name, frame in frames.items()}
    figure = draw_classes(frames["classes"])
    if figure is not None:
        files["classes.png"] = png(figure, dpi=120)
    files["tables.md"] = text
    write_files({out / name: content for name, content in files.items()})
    return out / "tables.md"
