"""The table that ``verbose=1`` prints."""

from sklearn.utils._param_validation import StrOptions
from skorch.callbacks import PrintLog as SkorchPrintLog

from imbdeep.callbacks._checked import ChecksParameters


class PrintLog(ChecksParameters, SkorchPrintLog):
    """Table of the history, formatted only if it is printed.

    skorch formats it in every epoch, even for quiet nets.

    Parameters
    ----------
    keys_ignored : str, list of str or None, default=None
        Entries of the history to leave out.
    sink : callable, default=print
        Receives the rows.
    tablefmt : str, default='simple'
        See :func:`tabulate.tabulate`.
    floatfmt : str, default='.4f'
        Format of numbers.
    stralign : {'left', 'center', 'right'}, default='right'
        Alignment of text.

    Examples
    --------
    >>> from imbdeep.callbacks import PrintLog
    >>> from imbdeep.classifiers import NetClassifier
    >>> net = NetClassifier(verbose=1, callbacks__print_log=PrintLog(floatfmt=".2f"))
    """

    _parameter_constraints = {
        "keys_ignored": [str, list, None],
        "sink": [callable],
        "tablefmt": [str],
        "floatfmt": [str],
        "stralign": [StrOptions({"left", "center", "right"})],
    }

    def on_epoch_end(self, net, **kwargs):
        # skorch ignores verbose for a sink other than print.
        if net.verbose or self.sink is not print:
            super().on_epoch_end(net, **kwargs)
