"""Base class of the samplers that turn noise and a class into a row."""

import torch
import torch.nn.functional as F
from torch import nn

from imbdeep._generative import outputs_of
from imbdeep._torch.draws import current_generator, drawing_for_fit
from imbdeep.batches._class_draws import RowsByClass
from imbdeep.modules import MLP
from imbdeep.over_sampling._generative.base import POSITIVE, GenerativeSampler


class ConditionalSampler(GenerativeSampler):
    """Base class of samplers whose generator takes noise and a class."""

    _parameter_constraints = {
        **GenerativeSampler._parameter_constraints,
        "temperature": POSITIVE,
    }

    @drawing_for_fit()
    def _build_generator(self, rows, n_classes):
        net = MLP(
            self.n_latent + n_classes,
            rows.shape[1],
            hidden_sizes=self.hidden_sizes,
            dropout=0,
        )
        # ``sample`` needs that of the fit, even if n_latent has been set since.
        self._noise_size = self.n_latent
        return nn.Sequential(net, self._row_head(self.temperature)).to(rows)

    @drawing_for_fit()
    def _build_judge(self, rows, n_inputs, n_outputs):
        net = MLP(n_inputs, n_outputs, hidden_sizes=self.hidden_sizes, dropout=0)
        return net.to(rows)

    def _conditions(self, codes):
        return F.one_hot(codes, len(self.classes_)).float()

    def _noise_and(self, conditions):
        """Inputs of the generator for these classes."""
        noise = conditions.new_empty(len(conditions), self._noise_size).normal_(
            generator=current_generator(conditions.device)
        )
        return torch.cat([noise, conditions], 1)

    def _draws(self, rows, codes):
        """Make a function that draws real rows, with equal shares of the classes."""
        by_class = RowsByClass(codes.cpu())
        size = self._n_rows_of_a_step(len(rows))

        def draw():
            # On the CPU, so that a seed draws the same rows on every device.
            generator = current_generator()
            drawn = torch.randint(len(self.classes_), (size,), generator=generator)
            positions = by_class.draw(drawn, generator).to(rows.device)
            return rows[positions], self._conditions(drawn.to(rows.device))

        return draw

    def _make(self, n_new):
        codes = torch.arange(len(n_new)).repeat_interleave(torch.tensor(n_new))
        device = next(self.generator_.parameters()).device
        return outputs_of(
            self.generator_, self._noise_and(self._conditions(codes.to(device)))
        )
