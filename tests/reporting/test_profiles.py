import numpy as np
import pandas as pd
import pytest

from imbdeep.reporting import performance_profile, performance_ratios


def slow_profile(rows, tau, greater_is_better, floor):
    """Share of sets within the factor, in plain loops; None is a failure."""
    n_methods = len(rows[0])
    shares = []
    for j in range(n_methods):
        within = 0
        for row in rows:
            costs = [
                float("inf")
                if score is None
                else max(1 - score if greater_is_better else score, floor)
                for score in row
            ]
            best = min(costs)
            if costs[j] < float("inf") and costs[j] <= tau * best + 1e-12:
                within += 1
        shares.append(within / len(rows))
    return shares


ROWS = [
    [0.90, 0.80, 0.95],
    [0.99999, 1.0, 0.5],
    [None, 0.4, 0.7],
    [None, None, None],
    [0.3, 0.3, 0.1],
]


@pytest.mark.parametrize("greater_is_better", [True, False])
@pytest.mark.parametrize("floor", [1e-3, 0.05])
def test_profile_against_loops(greater_is_better, floor):
    tau = [1.0, 1.5, 2.0, 4.0, 1e6]
    profile = performance_profile(
        pd.DataFrame(ROWS, dtype=float),
        tau,
        greater_is_better=greater_is_better,
        floor=floor,
    )
    expected = [slow_profile(ROWS, t, greater_is_better, floor) for t in tau]
    np.testing.assert_allclose(profile, expected)


def test_profile_rises_from_wins_to_the_share_without_failure():
    table = pd.DataFrame(ROWS, columns=["a", "b", "c"], dtype=float)
    profile = performance_profile(table, np.geomspace(1, 1e6, 50))
    assert (np.diff(profile, axis=0) >= 0).all()
    assert profile.iloc[-1].to_dict() == {"a": 0.6, "b": 0.8, "c": 0.8}


def test_floor_makes_solved_sets_equal():
    ratios = performance_ratios(pd.DataFrame({"a": [1.0], "b": [0.9995]}))
    assert ratios.iloc[0].tolist() == [1.0, 1.0]


def test_scores_are_compared_by_what_is_missing_to_one():
    ratios = performance_ratios(pd.DataFrame({"a": [0.99], "b": [0.98]}))
    assert ratios["b"].item() == pytest.approx(2.0)
    losses = performance_ratios(
        pd.DataFrame({"a": [0.1], "b": [0.3]}), greater_is_better=False
    )
    assert losses["b"].item() == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("table", "arguments", "message"),
    [
        ({"a": [1.2]}, {"tau": 1}, "score above 1, or a negative loss"),
        (
            {"a": [-0.1]},
            {"tau": 1, "greater_is_better": False},
            "score above 1, or a negative loss",
        ),
        ({"a": [0.5]}, {"tau": [1, 0.5]}, r"tau=\[1.0, 0.5\] must hold factors"),
        ({"a": [0.5]}, {"tau": 1, "floor": 0}, "floor=0 must be positive"),
        ({"a": []}, {"tau": 1}, "table has no rows"),
    ],
)
def test_profile_refuses(table, arguments, message):
    with pytest.raises(ValueError, match=message):
        performance_profile(pd.DataFrame(table), **arguments)
