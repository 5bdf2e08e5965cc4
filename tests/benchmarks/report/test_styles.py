import pytest

from imbdeep_bench.report.styles import FAMILY_STYLES, method_family, method_styles
from tests.benchmarks.report.conftest import METHODS


def relative_luminance(color):
    """Luminance of the Web Content Accessibility Guidelines."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [
        p / 12.92 if p <= 0.03928 else ((p + 0.055) / 1.055) ** 2.4 for p in parts
    ]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize(
    "names",
    [METHODS, [f"method_{i}" for i in range(16)], [f"logistic_{i}" for i in range(15)]],
    ids=["all", "deep", "no nets"],
)
def test_methods_look_different(names):
    styles = method_styles(names)
    assert list(styles) == list(names)
    assert len({(s.color, s.linestyle) for s in styles.values()}) == len(names)
    if names is METHODS:
        assert len({(s.color, s.marker) for s in styles.values()}) == len(names)


def test_a_learner_behind_a_sampler_is_no_net():
    names = [f"{a}{b}" for a in ("logistic", "hist_gb") for b in ("", "_meta_augment")]
    assert {method_family(name) for name in names} == {"non_deep"}
    assert method_family("meta_augment") == "deep"


def test_families_have_their_own_line_styles():
    styles = method_styles(METHODS)
    used = {
        family: {styles[m].linestyle for m in METHODS if method_family(m) == family}
        for family in FAMILY_STYLES
    }
    assert sum(map(len, used.values())) == len(set.union(*used.values()))


def test_colors_stand_out_from_white():
    for look in FAMILY_STYLES.values():
        for color in look["colors"]:
            assert 1.05 / (relative_luminance(color) + 0.05) > 2.0


def test_a_style_does_not_depend_on_the_other_families():
    few = method_styles(["remix", "net"])
    many = method_styles(["hist_gb", "net", "remix", "logistic"])
    assert few["remix"] == many["remix"]
    assert few["net"] == many["net"]
