"""The random search: where it asks, what it keeps, and how strong it is."""

import math

import pytest
import torch
from scipy.stats import chisquare
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier

from imbdeep.attacks import Ball, margin, square
from imbdeep.attacks._square import changed_share

NORMS = ["linf", "l2"]
SHAPES = [(7,), (2, 3), (3, 6, 5)]


def seeded(seed=0):
    return torch.Generator().manual_seed(seed)


def indifferent(x):
    """Scores that no change can alter."""
    return torch.tensor([[1.0, 0.0]]).expand(len(x), 2)


def linear(weight):
    """A model with log odds ``x @ weight`` of class 1."""

    def scores_of(x):
        logit = (x * weight).flatten(1).sum(1)
        return torch.stack([-logit / 2, logit / 2], 1)

    return scores_of


def net(d, n_classes=3, seed=0):
    """A net of random weights."""
    draws = seeded(seed)
    first = torch.randn(d, 32, generator=draws) / math.sqrt(d)
    last = torch.randn(32, n_classes, generator=draws)

    def scores_of(x):
        return (3 * x.flatten(1) @ first).tanh() @ last

    return scores_of


class Recorder:
    """A model that remembers what it was asked."""

    def __init__(self, scores_of):
        self.scores_of = scores_of
        self.asked = []

    def __call__(self, x):
        self.asked.append(x.clone())
        return self.scores_of(x)


def rows_and_ball(norm, shape, n=20, seed=0):
    """Rows in the box [0, 1], each feature with its own radius, some with none."""
    draws = seeded(seed)
    x = torch.rand(n, *shape, generator=draws)
    radius = 0.6 * torch.rand(shape, generator=draws)
    radius[torch.rand(shape, generator=draws) < 0.3] = 0
    y = torch.randint(3, (n,), generator=draws)
    return x, y, Ball(norm, radius, torch.tensor(0.0), torch.tensor(1.0))


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_asks_only_for_rows_in_ball_and_box(norm, shape):
    x, y, ball = rows_and_ball(norm, shape)
    model = Recorder(net(x[0].numel()))
    x_adv = square(model, x, y, ball, queries=60, generator=seeded())
    frozen = ball.radius == 0
    assert frozen.any()
    assert not torch.equal(x_adv, x)
    for rows in [*model.asked, x_adv]:
        shift = rows.double() - x.double()
        assert torch.equal(rows[:, frozen], x[:, frozen])
        assert rows.min() >= 0
        assert rows.max() <= 1
        in_radii = (shift / ball.radius)[:, ~frozen]
        distance = in_radii.abs().amax(1) if norm == "linf" else in_radii.norm(dim=1)
        assert distance.max() <= 1 + 1e-5


@pytest.mark.parametrize("norm", NORMS)
def test_frozen_features_keep_their_bits(norm):
    x = torch.tensor([[-0.0, 1e-40, 1e30, 0.5]])
    ball = Ball(norm, torch.tensor([0.0, 0.0, 0.0, 0.1]))
    weight = torch.tensor([1.0, 1.0, 0.0, 1.0])
    x_adv = square(linear(weight), x, torch.tensor([0]), ball, generator=seeded())
    frozen = x_adv[:, :3].view(torch.int32)
    assert torch.equal(frozen, x[:, :3].view(torch.int32))
    assert x_adv[0, 3].item() == pytest.approx(0.6)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_gives_the_worst_row_of_all_that_it_asked_for(norm, shape):
    x, y, ball = rows_and_ball(norm, shape)
    scores_of = net(x[0].numel())
    model = Recorder(scores_of)
    x_adv = square(model, x, y, ball, queries=40, generator=seeded())
    heights = torch.stack([margin(scores_of(rows), y) for rows in model.asked])
    assert len(heights) == 41
    torch.testing.assert_close(margin(scores_of(x_adv), y), heights.amax(0))
    for row, found in enumerate(x_adv):
        assert any(torch.equal(found, rows[row]) for rows in model.asked)


@pytest.mark.slow
@pytest.mark.parametrize("norm", NORMS)
def test_more_answers_never_make_it_weaker(norm):
    x, y, ball = rows_and_ball(norm, (7,))
    scores_of = net(7)

    def height_after(n_answers):
        model = Recorder(scores_of)
        answers = iter([True] * n_answers)

        def falls_silent(rows):
            # Scores without a number: no row is further than any other.
            return model(rows) if next(answers, False) else scores_of(rows) * math.nan

        return margin(
            scores_of(square(falls_silent, x, y, ball, generator=seeded())), y
        )

    heights = torch.stack([height_after(n) for n in (1, 2, 5, 20, 100, 500)])
    assert (heights.diff(dim=0) >= 0).all()
    assert (heights[-1] > heights[0]).all()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_gives_the_row_back_where_nothing_helps(norm, shape):
    x, _, ball = rows_and_ball(norm, shape)
    y = torch.zeros(len(x), dtype=torch.int64)
    assert torch.equal(square(indifferent, x, y, ball, queries=30), x)


def test_no_queries_leave_the_rows():
    x, y, ball = rows_and_ball("linf", (7,))
    assert torch.equal(square(net(7), x, y, ball, queries=0), x)


@pytest.mark.parametrize("shape", SHAPES)
def test_a_ball_of_radius_0_leaves_the_rows(shape):
    x, y, _ = rows_and_ball("linf", shape)
    model = Recorder(net(x[0].numel()))
    x_adv = square(model, x, y, Ball("linf", torch.zeros(shape)))
    assert torch.equal(x_adv, x)


def test_rows_given_are_not_written_to():
    x, y, ball = rows_and_ball("linf", (7,))
    before = x.clone()
    square(net(7), x, y, ball, queries=20, generator=seeded())
    assert torch.equal(x, before)


@pytest.mark.parametrize("norm, share", [("linf", 0.999), ("l2", 0.97)])
@pytest.mark.parametrize("seed", range(3))
def test_comes_close_to_the_optimum_of_a_linear_model(norm, share, seed):
    draws = seeded(seed)
    weight, x = torch.randn(10, generator=draws), torch.randn(50, 10, generator=draws)
    y = torch.randint(2, (50,), generator=draws)
    radius = 0.1 + torch.rand(10, generator=draws)
    x_adv = square(linear(weight), x, y, Ball(norm, radius), generator=draws)
    # The corner radius * sign(weight), or the touching point of the ellipsoid.
    per_feature = weight * radius
    optimum = per_feature.abs().sum() if norm == "linf" else per_feature.norm()
    gain = (x_adv - x) @ weight * (1 - 2 * y)
    assert gain.max() <= optimum * (1 + 1e-5)
    assert gain.min() >= share * optimum


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("seed", range(4))
def test_beats_as_many_draws_of_noise(norm, seed):
    draws = seeded(seed)
    scores_of = net(20, seed=seed)
    x = torch.randn(100, 20, generator=draws)
    y = scores_of(x).argmax(1)
    radius = torch.full((20,), 0.1 if norm == "linf" else 0.4)
    ball = Ball(norm, radius)
    fooled = torch.zeros(100, dtype=torch.bool)
    for _ in range(100):
        noise = torch.randn(100, 20, generator=draws)
        noise = noise.sign() if norm == "linf" else noise / noise.norm(dim=1)[:, None]
        fooled |= scores_of(x + radius * noise).argmax(1) != y
    x_adv = square(scores_of, x, y, ball, queries=100, generator=draws)
    found = scores_of(x_adv).argmax(1) != y
    # Measured on twelve seeds: 1.18 to 1.7 times as many, and one row lost at most.
    assert found.sum() >= 1.1 * fooled.sum()
    assert (fooled & ~found).sum() <= 3


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
def test_the_generator_decides(norm, shape):
    x, y, ball = rows_and_ball(norm, shape)
    scores_of = net(x[0].numel())

    def attack(seed):
        return square(scores_of, x, y, ball, queries=10, generator=seeded(seed))

    before = torch.get_rng_state()
    first = attack(0)
    assert torch.equal(first, attack(0))
    assert not torch.equal(first, attack(1))
    assert torch.equal(before, torch.get_rng_state())


def test_the_share_of_changed_features_is_that_of_the_paper():
    # Appendix A of the paper, for 10 000 queries.
    halvings = [10, 50, 200, 500, 1_000, 2_000, 4_000, 6_000, 8_000]
    for query in range(10_000):
        share = 0.8
        for bound in halvings:
            if query > bound:
                share /= 2
        assert changed_share(query / 10_000) == share


def test_pictures_begin_with_stripes():
    n, radius = 30, 0.1
    x = torch.rand(n, 3, 8, 6, generator=seeded())
    ball = Ball("linf", torch.full((3, 8, 6), radius))
    model = Recorder(indifferent)
    square(model, x, torch.zeros(n).long(), ball, queries=1, generator=seeded())
    shift = model.asked[1] - x
    torch.testing.assert_close(shift.abs(), torch.full_like(x, radius))
    signs = shift.sign()
    assert (signs == signs[:, :, :1]).all()
    # Each stripe of each channel has a sign of its own.
    assert 0.4 < (signs[:, :, 0] > 0).float().mean() < 0.6
    assert len(signs[:, :, 0].flatten(1).unique(dim=0)) > n / 2


@pytest.mark.parametrize("sides", [(8, 8), (5, 12)])
def test_pictures_change_by_squares(sides):
    n, queries, radius = 200, 100, 0.1
    x = torch.rand(n, 3, *sides, generator=seeded())
    ball = Ball("linf", torch.full((3, *sides), radius))
    model = Recorder(indifferent)
    y = torch.zeros(n, dtype=torch.int64)
    square(model, x, y, ball, queries=queries, generator=seeded())
    for query, asked in enumerate(model.asked[2:], start=1):
        shift = asked - x
        changed = shift != 0
        pixels = changed[:, 0]
        assert (changed == pixels[:, None]).all()
        wanted = round(math.sqrt(changed_share(query / queries) * math.prod(sides)))
        height, width = (min(max(wanted, 1), side) for side in sides)
        # As many rows, columns and pixels as a square has: then it is one.
        assert (pixels.any(2).sum(1) == height).all()
        assert (pixels.any(1).sum(1) == width).all()
        assert (pixels.sum((1, 2)) == height * width).all()
        # The changed rows follow each other, and so do the columns.
        for lines in (pixels.any(2).int(), pixels.any(1).int()):
            assert (lines.diff(dim=1).abs().sum(1) <= 2).all()
        # One sign a channel, and each its own.
        signs = shift.sign().sum((2, 3)) / (height * width)
        assert (signs.abs() == 1).all()
        assert len(signs.unique(dim=0)) == 8
    # In the end squares are single pixels, anywhere.
    last = torch.cat([asked != x for asked in model.asked[-20:]])
    assert chisquare(last[:, 0].sum(0).flatten()).pvalue > 1e-7


@pytest.mark.parametrize("norm", NORMS)
def test_tables_change_by_subsets_of_what_may_move(norm):
    n, queries = 200, 100
    x = torch.rand(n, 10, generator=seeded())
    radius = torch.full((10,), 0.1)
    radius[[1, 4]] = 0
    model = Recorder(indifferent)
    y = torch.zeros(n, dtype=torch.int64)
    ball = Ball(norm, radius)
    square(model, x, y, ball, queries=queries, generator=seeded())
    for query, asked in enumerate(model.asked[1:]):
        share = changed_share(query / queries) if query else 1
        changed = asked != x
        assert (changed.sum(1) == max(round(8 * share), 1)).all()
        assert not changed[:, [1, 4]].any()
    last = torch.cat([asked != x for asked in model.asked[-20:]])
    assert chisquare(last.sum(0)[radius > 0]).pvalue > 1e-7


@pytest.mark.parametrize("shape", SHAPES)
def test_proposals_lie_on_the_surface_of_the_ellipsoid(shape):
    x, y, ball = rows_and_ball("l2", shape)
    x, ball = x.double(), Ball("l2", ball.radius.double())
    model = Recorder(linear(torch.ones(shape, dtype=torch.float64)))
    square(model, x, y.clamp_max(1), ball, queries=50, generator=seeded())
    movable = ball.radius > 0
    for rows in model.asked[1:]:
        length = ((rows - x)[:, movable] / ball.radius[movable]).norm(dim=1)
        # A square of frozen pixels in a row that has not moved yet leaves it as it is.
        moved = (rows != x).flatten(1).any(1)
        assert moved.float().mean() > 0.8
        torch.testing.assert_close(length[moved], torch.ones_like(length[moved]))


def test_stops_asking_for_rows_that_are_misclassified():
    draws = seeded()
    scores_of = net(10)
    x = torch.randn(100, 10, generator=draws)
    y = scores_of(x).argmax(1)
    y[:10] = (y[:10] + 1) % 3
    ball = Ball("linf", torch.full((10,), 0.2))
    model = Recorder(scores_of)
    x_adv = square(model, x, y, ball, early_stop=True, generator=draws)
    wrong = scores_of(x_adv).argmax(1) != y
    assert torch.equal(x_adv[:10], x[:10])
    assert 10 < wrong.sum() < 100
    n_asked = [len(rows) for rows in model.asked]
    assert n_asked[:2] == [100, 90]
    assert n_asked == [100, *sorted(n_asked[1:], reverse=True)]
    assert n_asked[-1] >= 100 - wrong.sum()
    # It is as good as going on, and the rows that it left are less far.
    further = square(scores_of, x, y, ball, generator=seeded(1))
    height, furthest = (margin(scores_of(rows), y) for rows in (x_adv, further))
    assert abs((furthest > 0).sum() - wrong.sum()) <= 3
    assert height[wrong].mean() < furthest[wrong].mean()


def test_stops_when_all_rows_are_misclassified():
    model = Recorder(indifferent)
    x, _, ball = rows_and_ball("linf", (7,))
    y = torch.ones(len(x), dtype=torch.int64)
    square(model, x, y, ball, early_stop=True)
    assert len(model.asked) == 1


def test_goes_on_while_the_label_is_still_the_likeliest_class():
    # The label has less than half of the probability, but more than any other class.
    def scores_of(x):
        first = 0.4 - 0.1 * x[:, :1]
        return torch.cat([first, (1 - first) * 0.6, (1 - first) * 0.4], 1).log()

    x, y = torch.zeros(5, 1), torch.zeros(5, dtype=torch.int64)
    assert (scores_of(x).exp()[:, 0] < 0.5).all()
    ball = Ball("linf", torch.ones(1))
    x_adv = square(scores_of, x, y, ball, early_stop=True, generator=seeded())
    assert (scores_of(x_adv).argmax(1) == 1).all()


def test_asks_without_gradients():
    layer = torch.nn.Linear(7, 3)

    def scores_of(x):
        assert not torch.is_grad_enabled()
        return layer(x)

    x, y, ball = rows_and_ball("linf", (7,))
    x_adv = square(scores_of, x.requires_grad_(), y, ball, queries=5)
    assert not x_adv.requires_grad
    assert x.grad is None
    assert all(parameter.grad is None for parameter in layer.parameters())
    assert torch.is_grad_enabled()


def test_attacks_a_random_forest():
    X, y = make_classification(400, 8, n_informative=5, random_state=0)
    forest = RandomForestClassifier(30, random_state=0).fit(X[:200], y[:200])
    X, y = torch.from_numpy(X[200:]), torch.from_numpy(y[200:])

    def scores_of(x):
        # Certain trees give log(0).
        return torch.from_numpy(forest.predict_proba(x.numpy())).log()

    assert torch.isinf(scores_of(X)).any()
    ball = Ball("linf", torch.full((8,), 0.5, dtype=torch.float64))
    x_adv = square(scores_of, X, y, ball, queries=30, generator=seeded())
    noise = torch.empty_like(X).uniform_(-0.5, 0.5, generator=seeded())

    def accuracy(x):
        return (scores_of(x).argmax(1) == y).double().mean().item()

    assert x_adv.dtype == torch.float64
    assert accuracy(X) > 0.8
    assert accuracy(X + noise) > accuracy(X) - 0.1
    assert accuracy(x_adv) < accuracy(X) - 0.2


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.gpu
def test_rows_on_a_gpu(norm, shape):
    x, y, ball = rows_and_ball(norm, shape)
    x, y, ball = x.cuda(), y.cuda(), ball.to("cuda")
    weight = torch.randn(shape, generator=seeded()).cuda()
    generator = torch.Generator("cuda").manual_seed(0)
    x_adv = square(linear(weight), x, y.clamp_max(1), ball, generator=generator)
    assert x_adv.device == x.device
    y = y.clamp_max(1)
    before, after = (margin(linear(weight)(rows), y) for rows in (x, x_adv))
    assert (after > before).all()
