"""What every test shares: one torch thread, and a skip for machines without CUDA."""

import gc

import pytest
import torch


def pytest_configure(config):
    # Tests run in parallel processes; nested threads only slow each other down.
    torch.set_num_threads(1)


def pytest_collection_modifyitems(items):
    if torch.cuda.is_available():
        return
    skip = pytest.mark.skip(reason="needs a CUDA device")
    for item in items:
        if "gpu" in item.keywords:
            item.add_marker(skip)


@pytest.hookimpl(wrapper=True)
def pytest_collection():
    # What was collected stays; each garbage collection would look through all of it,
    # again and again as it grows, and statsmodels asks for one at every adjustment of
    # p-values.
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()
