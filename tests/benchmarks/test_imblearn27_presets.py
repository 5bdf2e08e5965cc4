import re

from imbdeep.datasets import IMBLEARN27_NAMES, load_embedded_suite
from imbdeep_bench.engine.protocol import parse_protocol
from imbdeep_bench.imblearn27.methods import METHODS
from imbdeep_bench.imblearn27.presets import PRESETS


def test_presets_name_what_there_is():
    embedded = load_embedded_suite()
    for preset in PRESETS.values():
        assert parse_protocol(preset.protocol).n_folds >= 2
        assert set(preset.method_names()) <= set(METHODS)
        sets = preset.dataset_names("imblearn27", IMBLEARN27_NAMES)
        assert set(sets) <= set(IMBLEARN27_NAMES)
        assert set(preset.dataset_names("embedded", embedded)) <= set(embedded)


def test_full_is_everything():
    full = PRESETS["full"]
    # But for what takes many times as long, and what has presets of its own.
    rest = {name for name, method in METHODS.items() if method.group}
    assert full.method_names() == [name for name in METHODS if name not in rest]
    others = [PRESETS[name].method_names() for name in ("members", "calibration")]
    assert rest <= set().union(*others)
    names = full.dataset_names("imblearn27", IMBLEARN27_NAMES)
    assert names == list(IMBLEARN27_NAMES)


def test_each_corrected_method_stands_behind_itself_uncorrected():
    names = PRESETS["calibration"].method_names()
    corrected = [name for name in names if name.endswith("_corrected")]
    assert corrected == [n for n, m in METHODS.items() if m.group == "corrected"] != []
    for name in corrected:
        assert names.index(name) == names.index(name.removesuffix("_corrected")) + 1
        params = METHODS[name].make(0, "cpu").get_params(deep=False)
        before = (
            METHODS[name.removesuffix("_corrected")]
            .make(0, "cpu")
            .get_params(deep=False)
        )
        assert before | {"prior_correction": True} == params
        assert before["prior_correction"] is False


SAMPLER = re.compile(
    "_(latent_smote|smote|meta_augment|gl_gan|conditional_gan|conditional_wgan)$"
)


def test_every_preset_has_the_untouched_learner_and_a_baseline_beside_it():
    for preset in PRESETS.values():
        names = preset.method_names()
        stopped = [name for name in names if METHODS[name].kind == "stopped"]
        assert "net" in names or not stopped
        assert len(names) > len(stopped)
        for name in names:
            behind = SAMPLER.search(name)
            assert behind is None or name[: behind.start()] in names
