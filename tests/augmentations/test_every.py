"""What holds for every augmentation: seeds, bands, axes, dtypes, gradients."""

import numpy as np
import pytest
import torch

from .images import ALL, WITHIN_ITS_RANGE, generator, images

each = pytest.mark.parametrize("augment", ALL.values(), ids=ALL)


@each
@pytest.mark.parametrize("shape", [(6, 3, 9, 9), (6, 1, 5, 8), (6, 2, 1, 1)])
def test_a_seed_decides_and_the_batch_is_left_as_it_was(augment, shape):
    batch = images(*shape)
    before = batch.clone()
    made = augment(batch, generator(1))
    assert made.shape == shape
    assert torch.equal(made, augment(batch, generator(1)))
    assert torch.equal(batch, before)


@each
def test_each_image_has_draws_of_its_own(augment):
    batch = images(1, 3, 9, 9).repeat(12, 1, 1, 1)
    made = augment(batch, generator())
    assert len(torch.unique(made, dim=0)) > 3
    assert not torch.equal(made, augment(batch, generator(1)))


@each
def test_bands_are_treated_alike(augment):
    batch = images(6, 5, 8, 8)
    order = [3, 1, 4, 0, 2]
    made = augment(batch, generator())
    assert torch.equal(augment(batch[:, order], generator()), made[:, order])


@each
def test_members_in_front_are_more_images(augment):
    batch = images(12, 2, 8, 8)
    made = augment(batch.view(3, 4, 2, 8, 8), generator())
    assert torch.equal(made, augment(batch, generator()).view(3, 4, 2, 8, 8))


@each
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_dtypes_are_kept_and_draw_the_same(augment, dtype):
    batch = images(6, 2, 20, 20, dtype=dtype)
    made = augment(batch, generator())
    assert made.dtype == dtype
    exact = augment(batch.double(), generator())
    tolerance = 0.6 * torch.finfo(dtype).eps + 2e-5
    assert (made.double() - exact).abs().max() < tolerance


@each
def test_gradients_pass(augment):
    batch = images(2, 1, 3, 4).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: augment(x, generator()), batch)


@each
def test_no_image_at_all(augment):
    assert augment(images(0, 3, 8, 8), generator()).shape == (0, 3, 8, 8)


@each
def test_strides_do_not_matter(augment):
    batch = images(4, 3, 8, 8)
    last = batch.contiguous(memory_format=torch.channels_last)
    assert torch.equal(augment(last, generator()), augment(batch, generator()))


@each
def test_without_a_generator_the_global_one_draws(augment):
    batch = images(4, 3, 8, 8)
    with torch.random.fork_rng():
        torch.manual_seed(3)
        made = augment(batch, None)
    assert torch.equal(made, augment(batch, generator(3)))


@each
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
def test_global_switches_do_not_matter(augment, dtype):
    batch = images(4, 3, 8, 8, dtype=torch.float32)
    made = augment(batch, generator())
    torch.set_default_dtype(dtype)
    try:
        assert torch.equal(augment(batch, generator()), made)
    finally:
        torch.set_default_dtype(torch.float32)


@each
@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (torch.zeros(4, 8, 8), r"shape \(n, bands, height, width\), got \(4, 8, 8\)"),
        (torch.zeros(4, 1, 8, 8, dtype=torch.uint8), "floating point, got torch.uint8"),
    ],
    ids=["axes", "dtype"],
)
def test_what_is_no_batch_of_images_is_refused(augment, batch, message):
    with pytest.raises(ValueError, match=message):
        augment(batch, generator())


@each
@pytest.mark.parametrize(
    "batch",
    [np.zeros((2, 1, 4, 4)), [[[[0.0]]]], None, 3],
    ids=["array", "lists", "None", "int"],
)
def test_what_is_no_tensor_is_refused(augment, batch):
    kind = type(batch).__name__
    with pytest.raises(ValueError, match=rf"take a tensor of images, got a {kind}\."):
        augment(batch, generator())


@each
@pytest.mark.parametrize(
    "seed",
    [0, np.random.RandomState(0), "cpu", torch.Generator],
    ids=["int", "of NumPy", "str", "class"],
)
def test_what_is_no_generator_is_refused(augment, seed):
    message = r"generator must be a torch\.Generator.* got .*manual_seed\(0\)"
    with pytest.raises(ValueError, match=message):
        augment(images(2, 1, 4, 4), seed)


@pytest.mark.parametrize("augment", WITHIN_ITS_RANGE.values(), ids=WITHIN_ITS_RANGE)
def test_the_range_of_an_image_is_kept(augment):
    batch = images(20, 2, 9, 9) * torch.arange(1, 21)[:, None, None, None]
    value = getattr(augment, "keywords", {}).get("fill") == "constant"
    made = augment(batch, generator()).flatten(2)
    least = 0.0 if value else batch.flatten(2).amin(2)
    assert (made.amin(2) >= least - 1e-9).all()
    assert (made.amax(2) <= batch.flatten(2).amax(2) + 1e-9).all()


@pytest.mark.gpu
@each
def test_images_on_cuda_with_a_generator_of_the_cpu(augment):
    batch = images(4, 3, 8, 8, dtype=torch.float32)
    made = augment(batch.cuda(), generator())
    assert made.is_cuda
    torch.testing.assert_close(made.cpu(), augment(batch, generator()))


@pytest.mark.parametrize(
    ("augment", "given"),
    [
        ("random_flips", {"horizontal": 1.5}),
        ("random_rotation", {"degrees": 200}),
        ("random_rotation", {"degrees": -1}),
        ("random_rotation", {"fill": "reflect"}),
        ("random_rotation", {"value": float("nan")}),
        ("random_shift", {"vertical": 2}),
        ("random_shear", {"horizontal": "much"}),
        ("random_crop", {"padding": 1.5}),
        ("standard", {"shift": -0.1}),
        ("standard", {"degrees": None}),
        ("augmix", {"severity": 11}),
        ("augmix", {"severity": 0}),
        ("augmix", {"width": 0}),
        ("augmix", {"depth": 1.0}),
        ("augmix", {"alpha": 0}),
    ],
    ids=str,
)
def test_parameters_out_of_range_are_refused(augment, given):
    ((name, value),) = given.items()
    with pytest.raises(ValueError, match=rf"{name} must be .*, got {value!r}\."):
        ALL[augment](images(2, 1, 4, 4), generator(), **given)
