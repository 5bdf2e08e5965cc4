"""What every test shares: one torch thread, and a skip for machines without CUDA."""

import gc
import signal

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


@pytest.fixture
def usual_interrupts():
    # A suite in the background of a shell was told to ignore interrupts.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
