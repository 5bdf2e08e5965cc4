import pytest
from skorch.callbacks import PrintLog as SkorchPrintLog

from imbdeep.callbacks import PrintLog


@pytest.mark.parametrize("params", [{}, {"floatfmt": ".1f", "keys_ignored": "dur"}])
def test_prints_what_skorch_prints(make_net, binary, params):
    ours, theirs = [], []
    net = make_net(callbacks__print_log=PrintLog(sink=ours.append, **params))
    net.set_params(callbacks__epoch_timer=None).fit(*binary)
    net.set_params(callbacks__print_log=SkorchPrintLog(sink=theirs.append, **params))
    net.fit(*binary)
    # A head of two lines and one line per epoch.
    assert len(ours) == 2 + 4
    assert ours == theirs


@pytest.mark.parametrize("verbose, n_lines", [(0, 0), (1, 2 + 4)])
def test_prints_if_verbose(make_net, binary, capsys, verbose, n_lines):
    make_net(verbose=verbose).fit(*binary)
    assert len(capsys.readouterr().out.splitlines()) == n_lines


def test_formats_nothing_for_quiet_nets(make_net, binary, monkeypatch):
    def fail(self, row):
        raise AssertionError("formatted a row that nobody sees")

    monkeypatch.setattr(SkorchPrintLog, "table", fail)
    make_net().fit(*binary)
    with pytest.raises(AssertionError, match="nobody sees"):
        make_net(verbose=1).fit(*binary)
