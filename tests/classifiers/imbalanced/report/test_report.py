"""The report of a fitted blend: what it holds, says and shows, of any table."""

import pickle
import warnings
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeClassifier

from imbdeep.classifiers import ImbalancedClassifier, NetClassifier

LINEAR, TREE = ("linear", LogisticRegression()), ("tree", DecisionTreeClassifier())
BAYES = ("bayes", GaussianNB())
BOOSTING = "boosting", HistGradientBoostingClassifier(max_iter=20, min_samples_leaf=5)
NETS = NetClassifier(
    module__hidden_sizes=(8,),
    n_members=2,
    member_holdout="folds",
    max_epochs=1,
    n_bins=4,
)
LONGER = clone(NETS).set_params(max_epochs=8, lr=0.03)


class Backwards(LogisticRegression):
    def predict_proba(self, X):
        return super().predict_proba(X)[:, ::-1]


def blobs(seed=0, n=200, **params):
    params = {"weights": [0.7], "flip_y": 0.05} | params
    return make_classification(n, 6, n_informative=4, random_state=seed, **params)


def fitted(learners=(LINEAR, BAYES), X=None, y=None, *, fit_params=None, **params):
    if X is None:
        X, y = blobs()
    model = ImbalancedClassifier(learners, random_state=0, **params)
    return model.fit(X, y, **(fit_params or {}))


def said(report):
    return " ".join(map(str, report.cautions))


class Page(HTMLParser):
    """Texts and tags of HTML that is closed as it should be."""

    void = {"meta", "path", "circle", "polyline"}

    def __init__(self, html):
        super().__init__()
        self.open, self.tags, self.texts = [], [], []
        self.feed(html)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            # Nothing that a page would fetch or run.
            assert name not in ("src", "href") and not name.startswith("on")
            assert value is None or "nan" not in value or name == "aria-label"
        if tag not in self.void:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in self.void:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.texts.append(data)


def shown(report):
    page = Page(report.to_html())
    assert "script" not in page.tags
    inner = Page(report._repr_html_())
    assert inner.texts == page.texts[-len(inner.texts) - 1 : -1]
    return page


# --- What it holds -------------------------------------------------------------------


def test_numbers_are_those_of_the_rows_out_of_fold():
    X, y = blobs()
    model = fitted(X=X, y=y, threshold="f1")
    report = model.report_
    assert report.classes["rows"].tolist() == np.bincount(y).tolist()
    assert report.classes["share"].sum() == pytest.approx(1)
    found = average_precision_score(y, model.oof_proba_[:, 1])
    assert report.scores.loc["average precision", "score"] == pytest.approx(found)
    assert report.learners["weight"].to_dict() == model.learner_weights_
    assert (report.learners["seconds"] > 0).all()
    called = model.oof_proba_[:, 1] >= model.threshold_
    expected = [[np.sum((y == a) & (called == b)) * 5 for b in (0, 1)] for a in (0, 1)]
    assert_allclose(report.confusion, expected)
    text = str(report)
    assert f"{found:.3f}" in text and "linear" in text and str(report.columns) != ""
    assert f"{found:.3f}" in shown(report).texts


def test_a_fit_computes_nothing_that_nobody_looks_at():
    model = fitted()
    report = model.report_
    assert report.threshold == 0.5 and len(report.scores) == 7
    assert model._fit_record.kept == {}
    assert len(report.columns) == 6
    first = model._fit_record.kept[1]
    # Kept, also for another threshold, and by a pickle.
    model.set_threshold(0.2)
    assert model.report_.columns is first["columns"]
    again = pickle.loads(pickle.dumps(model)).report_
    pd.testing.assert_frame_equal(again.columns, first["columns"])


def test_it_follows_the_threshold_and_stays_with_its_fit():
    X, y = blobs()
    model = fitted(X=X, y=y)
    before = model.report_
    text, html = str(before), before.to_html()
    model.set_threshold(("recall", 0.9))
    after = model.report_
    assert after.threshold == model.threshold_ < 0.5
    assert after.confusion.loc[1, 1] > before.confusion.loc[1, 1]
    assert f"{model.threshold_:.3g}" in str(after)
    ratio = (1 - model.threshold_) / model.threshold_
    assert f"as much as {ratio:.2g} false alarms" in str(after)
    model.fit(X + 1, 1 - y)
    assert (str(before), before.to_html()) == (text, html)
    assert str(model.report_) != text


def test_the_positive_class_is_the_one_that_was_named():
    X, y = blobs()
    labels = np.where(y == 1, "fraud", "good")
    model = fitted(X=X, y=labels, pos_label="fraud")
    report, plain = model.report_, fitted(X=X, y=labels).report_
    is_fraud, proba = y == 1, model.oof_proba_[:, 0]
    found = average_precision_score(is_fraud, proba)
    assert report.scores.loc["average precision", "score"] == pytest.approx(found)
    assert "about 'fraud'" in str(report)
    n_called, n_right = np.sum(proba >= 0.5), np.sum(is_fraud & (proba >= 0.5))
    assert report.decision[0] == "Rows are called 'fraud' from the probability 0.5 on."
    assert f"(precision {n_right / n_called:.1%})" in report.decision[1]
    assert f"(recall {n_right / is_fraud.sum():.1%})" in report.decision[2]
    assert "rarer one" not in said(report)
    assert "pass pos_label='fraud'" in said(plain)
    # Judged anew for the other class: the fit is the same.
    model.set_params(pos_label="good").set_threshold(0.5)
    pd.testing.assert_frame_equal(model.report_.columns, plain.columns)
    assert not model.report_.columns.equals(report.columns)


def test_a_seed_decides_what_is_shuffled():
    X, y = blobs(n=900)
    model = fitted([BAYES], X, y)
    assert len(model._fit_record.positions) == 500
    pd.testing.assert_frame_equal(
        model.report_.columns, fitted([BAYES], X, y).report_.columns
    )
    other = ImbalancedClassifier([BAYES], random_state=1).fit(X, y)
    assert not model.report_.columns.equals(other.report_.columns)


# --- Columns -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("learner", "n_seeds"), [(LINEAR, 4), (BOOSTING, 1), (("nets", LONGER), 1)]
)
def test_useful_columns_come_first(learner, n_seeds):
    first, gaps = [], []
    for seed in range(n_seeds):
        rng = np.random.RandomState(seed)
        X = pd.DataFrame(rng.randn(400, 5), columns=list("abcde"))
        y = (2.5 * X["c"] + rng.randn(400) > 1.5).astype(int)
        columns = fitted([learner], X, y).report_.columns.set_index("column")["drop"]
        first.append(columns.index[0])
        gaps.append(columns["c"] - columns.drop("c").max())
    assert first == ["c"] * n_seeds
    assert min(gaps) > 0.1


@pytest.mark.parametrize("seed", range(3))
def test_what_learners_know_by_heart_is_worth_nothing(seed):
    rng = np.random.RandomState(seed)
    X, y = rng.randn(400, 4), rng.permutation([0, 1] * 200)
    model = fitted([TREE], X, y)
    known = model.predict_proba(X)[:, 1]
    assert average_precision_score(y, known) > 0.95
    # A tree that has seen the rows would lose nearly half.
    assert model.report_.columns["drop"].abs().max() < 0.12


def test_of_a_wide_table_it_says_what_was_left_out():
    X, y = blobs(n=150)
    X = np.c_[X, np.random.RandomState(0).randn(150, 80)]
    report = fitted([LINEAR], X, y).report_
    assert report.n_columns_tried == 50 and report.n_columns_varying == 86
    assert "Of 86 columns that vary, these 50 were tried" in str(report)
    assert "And 35 more, in columns." in str(report)
    assert any("And 30 that matter less" in text for text in shown(report).texts)


def test_members_trained_on_all_rows_judge_no_column():
    refitted = clone(NETS).set_params(refit=True)
    report = fitted([("nets", refitted), LINEAR]).report_
    assert "'nets' was trained anew" in said(report)
    assert len(report.columns) == 6
    alone = fitted([("nets", refitted)]).report_
    assert len(alone.columns) == 0
    assert "No column could be judged" in str(alone)
    shown(alone)


# --- Cautions ------------------------------------------------------------------------


def churn(n=600, seed=0):
    rng = np.random.RandomState(seed)
    age = rng.randint(18, 80, n).astype(float)
    city = rng.choice(["Ulm", "Bonn", "Kiel"], n).astype(object)
    churned = rng.rand(n) < np.where((city == "Ulm") & (age < 45), 0.6, 0.05)
    X = pd.DataFrame(
        {
            "customer": rng.permutation(n) + 10**6,
            "age": age,
            "city": city,
            "note": [f"note {i}" for i in rng.permutation(n)],
            "country": "DE",
        }
    )
    X.loc[::7, "age"] = np.nan
    X.loc[::11, "city"] = None
    return X, np.where(churned, "yes", "no"), churned, rng


def test_a_clean_table_has_no_cautions():
    X, y, _, rng = churn(400)
    X = X[["age", "city"]].assign(spent=rng.exponential(5, 400))
    stump = DecisionTreeClassifier(max_depth=2, min_samples_leaf=20)
    assert fitted([("stump", stump)], X, y).report_.cautions == []
    for seed in range(2):
        X, y = blobs(seed, 400, weights=[0.8], flip_y=0.1, class_sep=0.6)
        assert fitted([LINEAR], X, y).report_.cautions == []


def test_columns_that_say_nothing_or_too_much():
    X, y, churned, rng = churn(300)
    plain = said(fitted([TREE], X, y).report_)
    assert "Columns 'customer', 'note' have another value" in plain
    assert "Column 'country' has one value" in plain
    assert "apart alone" not in plain
    for leak in (
        np.where(churned, "left", None),
        churned + 0.3 * rng.rand(len(X)),
        np.where(churned, rng.rand(len(X)), np.nan),
        np.where(churned, rng.choice(["price", "moved"], len(X)), "none"),
    ):
        report = fitted([TREE], X.assign(leak=leak), y).report_
        assert "Column 'leak' tells the classes apart alone (1.000 of 1)" in said(
            report
        )
        assert "drop it" in said(report)


def test_numbers_as_text_are_no_identifier():
    X, y, _, rng = churn(300)
    X = X.assign(spent=[f"{v:,.3f}" for v in rng.exponential(2_000, len(X))])
    text = said(fitted([TREE], X, y).report_)
    assert "Column 'spent' has numbers written as text" in text
    assert "pandas.to_numeric" in text
    assert "Columns 'customer', 'note' have another value" in text


def test_a_table_where_all_is_easy():
    X, y, churned, rng = churn(300)
    easy = {f"e{i}": churned + 0.3 * rng.rand(len(X)) for i in range(4)}
    text = said(fitted([LINEAR], pd.DataFrame(easy), y).report_)
    assert "the table is easy" in text and "perhaps it is filled in" not in text


def test_probabilities_that_do_not_come_true():
    X, y = blobs(n=400, flip_y=0.3)
    text = said(fitted([TREE], X, y).report_)
    assert "Probabilities are too extreme" in text
    assert "Pass calibration='sigmoid'" in text
    calibrated = fitted([TREE], X, y, calibration="sigmoid").report_
    assert "Probabilities are too" not in said(calibrated)


def test_balanced_weights_make_probabilities_too_high():
    X, y = make_classification(
        600, weights=[0.88], class_sep=0.8, flip_y=0.02, random_state=0
    )
    balanced = [("linear", LogisticRegression(class_weight="balanced"))]
    costs = [[0, 1], [10, 0]]
    report = fitted(balanced, X, y, threshold=costs).report_
    assert "Probabilities of 1 are too high overall" in said(report)
    assert report.decision[-2:] == [
        "If probabilities come true, it is best where a miss costs as much as 10 "
        "false alarms.",
        "Here they do not: see the cautions.",
    ]
    mended = (
        fitted([LINEAR], X, y, threshold=costs),
        fitted(balanced, X, y, threshold=costs, calibration="sigmoid"),
    )
    for model in mended:
        assert model.report_.cautions == []
        assert "Here they do not" not in " ".join(model.report_.decision)
        assert model.report_.decision[-1].startswith("If probabilities come true")


@pytest.mark.parametrize("noise", [0.0, 1.0])
def test_probabilities_that_say_nothing(noise):
    rng = np.random.RandomState(0)
    X = rng.randn(400, 2)
    y = (X[:, 0] + noise * rng.randn(400) > 0.5).astype(int)
    # It says the opposite of what it has learned.
    text = said(fitted([("backwards", Backwards())], X, y).report_)
    assert "probabilities say nothing about the label" in text
    assert "too extreme" not in text


def test_equal_rows_are_counted():
    X, y = blobs(n=160)
    X, y = np.r_[X, X[:40]], np.r_[y, y[:30], 1 - y[30:40]]
    text = said(fitted(X=X, y=y).report_)
    assert "80 rows of 200 equal another one in all columns" in text
    assert "20 equal one of another class" in text
    groups = np.r_[np.arange(160), np.arange(40)]
    together = fitted(X=X, y=y, fit_params={"groups": groups}).report_
    assert "equal another one" not in said(together)


def test_few_rare_rows_and_learners_left_out():
    X, y = blobs(weights=[0.9])
    n_rare = y.sum()
    with pytest.warns(UserWarning, match="are left out"):
        report = fitted(X=X, y=y, time_budget=1e-6).report_
    assert f"Class 1 has {n_rare} rows: each moves its recall by" in said(report)
    assert "time_budget was spent before 'bayes' could begin" in said(report)


# --- Any table -----------------------------------------------------------------------


def few_groups(y):
    return {"groups": np.where(y == 1, 0, 1 + np.arange(len(y)) % 30)}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    "kind",
    ["three classes", "many classes", "weights", "groups", "sparse", "one row", "none"],
)
def test_of_any_table(kind):
    X, y = blobs()
    given = {}
    if kind == "three classes":
        X, y = blobs(n_classes=3, weights=None)
    elif kind == "many classes":
        y = np.arange(len(y)) % 22
    elif kind == "weights":
        given["sample_weight"] = np.arange(len(y)) % 3
    elif kind == "groups":
        given = few_groups(y)
    elif kind == "sparse":
        X = sparse.csr_matrix(np.where(X > 0, X, 0))
    elif kind == "one row":
        y = np.append(y[:-1], 2)
    elif kind == "none":
        given["groups"] = np.zeros(len(y))
    learners = [TREE] if kind == "many classes" else [TREE, ("nets", NETS)]
    report = fitted(learners, X, y, fit_params=given).report_
    text, page = str(report), shown(report)
    assert "Learners" in text and "Learners" in page.texts
    assert ("And 7 more, in classes." in text) == (kind == "many classes")
    assert ("taken for which is in confusion" in text) == (kind == "many classes")
    if "classes" in kind:
        assert "The most probable class is predicted." in text
        assert "log loss and Brier score are means" in " ".join(text.split())
    if kind in ("groups", "none"):
        assert "was held out by all learners: nothing here is about it" in said(report)
        assert not len(report.scores) and not len(report.columns)
    else:
        assert np.isfinite(report.scores["score"]).all()
        assert np.isfinite(report.columns["drop"]).all()
        assert report.confusion.to_numpy().sum() == pytest.approx(1_000)


@pytest.mark.parametrize("learner", [TREE, LINEAR])
def test_probabilities_that_are_clipped_are_mentioned(learner):
    X, y = blobs(flip_y=0.3)
    text = " ".join(str(fitted([learner], X, y).report_).split())
    clipped = "100% of the rows count as less sure than they are"
    assert (clipped in text) == (learner is TREE)
    assert ("count as less sure" in text) == (learner is TREE)


def test_weights_change_what_is_said():
    X, y = blobs()
    weight = np.where(X[:, 0] > 0, 1.0, 0.0)
    model = fitted(X=X, y=y, fit_params={"sample_weight": weight})
    report = model.report_
    kept = weight > 0
    expected = average_precision_score(y[kept], model.oof_proba_[kept, 1])
    assert report.scores.loc["average precision", "score"] == pytest.approx(expected)
    share = 1_000 * y[kept].mean()
    assert report.confusion.loc[1].sum() == pytest.approx(share)
    # The sample holds no row that does not count.
    assert kept[model._fit_record.positions].all()


def test_it_says_that_rows_count_by_weights():
    X, y = blobs()
    weight = np.where(y == 1, 3.0, 0.5)
    report = fitted(X=X, y=y, fit_params={"sample_weight": weight}).report_
    share = np.average(y, weights=weight)
    assert report.classes["weighted share"][1] == pytest.approx(share)
    assert report.classes["share"][1] == pytest.approx(y.mean())
    page = shown(report)
    for text in (str(report), " ".join(page.texts)):
        text = " ".join(text.split())
        assert "Rows count by their sample_weight" in text
        assert "weighted share" in text and f"{share:.1%}" in text
    plain = fitted(X=X, y=y).report_
    assert "weight" not in plain.classes and "sample_weight" not in str(plain)


def test_a_class_without_weight_was_held_out_all_the_same():
    X, y = blobs()
    report = fitted([LINEAR], X, y, fit_params={"sample_weight": 1.0 - y}).report_
    assert "All held-out rows of 1 have the sample_weight 0" in said(report)
    assert "was held out by all learners" not in said(report)
    assert "were held out with a weight: there is nothing to score" in str(report)
    shown(report)


@pytest.mark.parametrize("n_classes", [2, 3])
def test_a_map_is_judged_by_the_rows_it_was_learned_from(n_classes):
    X, y = blobs(n_classes=n_classes, weights=None)
    words = "probabilities were calibrated by these very rows"
    for calibration in (None, "isotonic"):
        report = fitted([LINEAR], X, y, calibration=calibration).report_
        page = shown(report)
        for text in (str(report), " ".join(page.texts)):
            assert (words in " ".join(text.split())) == (calibration is not None)
        title = "Do probabilities come true? (calibrated by these rows)"
        assert (title in page.texts) == (calibration is not None)


HOSTILE = ["<script>alert(1)</script>", "</table></div>", "$x^2$", 'say "so"', "a & b"]


def test_names_and_labels_are_text(tmp_path):
    rng = np.random.RandomState(0)
    X = pd.DataFrame(rng.randn(200, 5), columns=HOSTILE).assign(constant=1.0)
    X[HOSTILE[1]] = np.arange(200.0)
    y = np.where(X[HOSTILE[0]] + rng.randn(200) > 0.5, "<b>bad</b>", "<i>good")
    learners = [("<img src=x>", GaussianNB())]
    report = fitted(learners, X, y).report_
    page = shown(report)
    assert {*HOSTILE, "<b>bad</b>", "<i>good", "<img src=x>"} <= set(page.texts)
    assert not {"img", "b", "i"} & set(page.tags)
    path = tmp_path / "new folder" / "report.html"
    report.save(path)
    assert path.read_text(encoding="utf-8") == report.to_html()
    assert "prefers-color-scheme:dark" in report.to_html()


def test_it_says_nothing_while_it_looks():
    X, y, _, _ = churn(200)
    model = fitted([TREE, ("nets", NETS)], X, y)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        str(model.report_)
