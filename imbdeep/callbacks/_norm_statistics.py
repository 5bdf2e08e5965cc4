"""Running statistics of norms, from the rows of training."""

from torch.nn.modules.batchnorm import _NormBase


class NormStatistics:
    """Collect the statistics of a module's norms in training mode, over batches.

    Within the context, running statistics do not change, so that an attack, which runs
    the module in evaluation mode, finds them. On leaving it they become the means over
    the batches, weighted by their rows.

    Parameters
    ----------
    module : nn.Module

    Notes
    -----
    :func:`torch.optim.swa_utils.update_bn` gives all batches the same weight, so that a
    small last batch counts as much as a full one, and it resets the statistics first.
    """

    def __init__(self, module):
        self.norms = [
            norm
            for norm in module.modules()
            if isinstance(norm, _NormBase) and norm.running_mean is not None
        ]

    def __enter__(self):
        self.kept = {
            norm: {name: x.clone() for name, x in norm.named_buffers()}
            for norm in self.norms
        }
        self.momenta = {norm: norm.momentum for norm in self.norms}
        self.sums = dict.fromkeys(self.norms, (0, 0.0, 0.0))
        self.handles = [norm.register_forward_hook(self._add) for norm in self.norms]
        for norm in self.norms:
            # With 1, the running statistics after a pass are those of its batch.
            norm.momentum = 1.0
        return self

    def _add(self, norm, args, output):
        if not norm.training:
            return
        n_rows, mean, variance = self.sums[norm]
        size = len(args[0])
        # In float64: float32 sums over an epoch would lose digits.
        self.sums[norm] = (
            n_rows + size,
            mean + size * norm.running_mean.double(),
            variance + size * norm.running_var.double(),
        )
        for name, x in norm.named_buffers():
            x.copy_(self.kept[norm][name])

    def __exit__(self, *error):
        for handle in self.handles:
            handle.remove()
        for norm, (n_rows, mean, variance) in self.sums.items():
            norm.momentum = self.momenta[norm]
            if n_rows:
                norm.running_mean.copy_(mean / n_rows)
                norm.running_var.copy_(variance / n_rows)
