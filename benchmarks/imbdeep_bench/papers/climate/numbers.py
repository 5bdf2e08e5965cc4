"""What the cells say: scores beside the published ones, and which claims hold."""

import pandas as pd

from imbdeep_bench.papers.climate.methods import METHODS
from imbdeep_bench.report import runs

MAIN = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "root_intra_class_variance": "root ICV",
}
RECALLS = {f"recall_{label}": f"recall of class {label}" for label in range(4)}
BY = ["data", "module"]
# The networks of the paper, by name of ours. Others stand beside EfficientNet-B4, of
# which the paper has all rows but one.
NETWORKS = {"efficientnet_b4": "EfficientNet-B4", "resnet50": "ResNet-50"}
MOST_ROWS, OTHER = "EfficientNet-B4", "ResNet-50"
# Whose lead over whom the paper tells of.
CLAIMS = {
    "sampler": ["ce"],
    "ldam_drw": ["ce", "sampler"],
    "swa": ["ldam_drw"],
    "swa_652": ["swa", "swa_543", "swa_432"],
    "gan_ce": ["ce", "swa_652"],
    "gan_swa": ["swa_652", "gan_ce"],
}
# Leads of which it does not tell.
OURS = {
    "sampler": ["corrected"],
    "ldam_drw": ["ldam", "corrected"],
    "swa": ["corrected"],
    "swa_652": ["ce_652"],
    "gan_ce": ["ce_652"],
}


# --- Published -----------------------------------------------------------------------


def published_scores():
    """Return the published scores by network and method.

    Of Table 5, balanced accuracy and variance follow from what it prints.
    """
    table = runs.read_published(__file__).set_index(["network", "method"])
    recalls = table[list(RECALLS)]
    off = recalls.sub(table["accuracy"], axis=0)
    follows = {
        "balanced_accuracy": recalls.mean(axis=1),
        "root_intra_class_variance": (off**2).sum(axis=1) ** 0.5,
    }
    return table.fillna(follows)[[*MAIN, *RECALLS]]


def networks_beside(module):
    """Return the networks whose rows stand beside a net's, the nearest first.

    >>> networks_beside("conv"), networks_beside("resnet50")
    (['EfficientNet-B4', 'ResNet-50'], ['ResNet-50'])
    """
    own = NETWORKS.get(module, MOST_ROWS)
    return [own] if own == OTHER else [own, OTHER]


def network_of(methods, module, published):
    """Return the network of which all of these methods were published, or None."""
    names = [METHODS[name].published for name in methods]
    for network in networks_beside(module):
        if all((network, name) in published.index for name in names):
            return network
    return None


# --- Claims --------------------------------------------------------------------------


def verdict(row):
    """Say whether a difference has the published sign in every run, or in none.

    A run in which two methods are equal agrees with neither.

    Examples
    --------
    >>> verdict({"published": -0.1, "won": 0, "lost": 5, "n_runs": 5})
    'yes'
    >>> verdict({"published": 0.1, "won": 3, "lost": 1, "n_runs": 5})
    'in 3 of 5'
    >>> verdict({"published": 0.1, "won": 0, "lost": 5, "n_runs": 5})
    'no'
    """
    agree, oppose = row["won"], row["lost"]
    if row["published"] < 0:
        agree, oppose = oppose, agree
    if row["n_runs"] in (agree, oppose):
        return "yes" if agree else "no"
    return f"in {agree} of {row['n_runs']}"


def claim_table(scores):
    """Compare methods run by run, and the signs with the published ones.

    ``published`` and ``holds`` are missing where the paper lacks either method.
    """
    duels = {name: [*CLAIMS.get(name, []), *OURS.get(name, [])] for name in METHODS}
    table = runs.difference_table(scores[list(MAIN)], BY, duels)
    published = published_scores()
    told = []
    for row in table.to_dict("records"):
        pair = row["first"], row["minus"]
        network = network_of(pair, row["module"], published)
        if network is None:
            told.append((None, None, None))
            continue
        first, minus = (METHODS[name].published for name in pair)
        column = published.xs(network)[row["metric"]]
        row["published"] = column[first] - column[minus]
        told.append((network, row["published"], verdict(row)))
    columns = ["network", "published", "holds"]
    return table.join(pd.DataFrame(told, columns=columns, index=table.index))


def network_table(scores):
    """Compare EfficientNet-B4 with ResNet-50, where both were run, method by method."""
    names = ["data", "method", "module", "fold"]
    by_net = scores[list(MAIN)].reorder_levels(names)
    by_net.index = by_net.index.set_names(["data", "of", "method", "fold"])
    first, minus = NETWORKS
    table = runs.difference_table(by_net, ["data", "of"], {first: [minus]})
    published = published_scores()
    rows = []
    for row in table.to_dict("records"):
        keys = [(NETWORKS[net], METHODS[row["of"]].published) for net in NETWORKS]
        if all(key in published.index for key in keys):
            of_both = published.loc[keys, row["metric"]]
            row["published"] = of_both.iloc[0] - of_both.iloc[1]
            rows.append(row | {"holds": verdict(row)})
    return pd.DataFrame(rows, columns=[*table.columns, "published", "holds"])
