import pickle

import pytest
from skorch.callbacks import Callback

from imbdeep.callbacks import EpochProgressBar


def test_writes_to_standard_error_only(make_net, binary, capsys):
    make_net(EpochProgressBar(), max_epochs=3, train_split="stratified").fit(*binary)
    out, err = capsys.readouterr()
    assert out == ""
    assert "NetClassifier" in err
    assert "3/3" in err
    assert "valid_average_precision=" in err


def test_shows_the_entry_it_is_asked_for(make_net, binary, capsys):
    net = make_net(EpochProgressBar(monitor="train_loss"), max_epochs=2).fit(*binary)
    err = capsys.readouterr().err
    assert f"train_loss={net.history[-1, 'train_loss']:.3f}" in err


@pytest.mark.parametrize("monitor", [None, "valid_average_precision"])
def test_without_an_entry_there_is_only_the_bar(make_net, binary, capsys, monitor):
    make_net(EpochProgressBar(monitor=monitor), max_epochs=2).fit(*binary)
    err = capsys.readouterr().err
    assert "2/2" in err
    assert "average_precision" not in err


def test_stopping_early_closes_the_bar(make_net, binary, capsys):
    class Stop(Callback):
        def on_epoch_end(self, net, **kwargs):
            raise KeyboardInterrupt

    net = make_net(("bar", EpochProgressBar()), ("stop", Stop()), max_epochs=5)
    net.fit(*binary)
    assert "1/5" in capsys.readouterr().err
    assert dict(net.callbacks_)["bar"].bar_ is None


def test_pickles_while_the_bar_is_open(make_net, binary):
    pickles = []

    class Pickle(Callback):
        def on_epoch_end(self, net, **kwargs):
            bar = dict(net.callbacks_)["bar"]
            assert bar.bar_ is not None
            pickles.append(pickle.dumps(bar))

    make_net(("bar", EpochProgressBar("x")), ("pickle", Pickle())).fit(*binary)
    again = pickle.loads(pickles[0])
    assert again.bar_ is None
    assert again.monitor == "x"
