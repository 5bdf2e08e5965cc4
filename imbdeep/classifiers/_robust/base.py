"""Base class of the nets that train on attacked rows."""

from functools import partial

import torch
from sklearn.utils._param_validation import StrOptions

from imbdeep._arguments import FiniteReal, WholeNumber
from imbdeep._torch.draws import current_generator
from imbdeep.attacks import pgd
from imbdeep.attacks._nets import net_logits
from imbdeep.batches._tensor_batches import rows_of, with_rows
from imbdeep.classifiers._robust.threat import ThreatNetClassifier, ThreatRun


class AttackRun(ThreatRun):
    """State of a fit on attacked rows.

    Attributes
    ----------
    attack : callable
        Moves rows, Tensor of shape (n, ...), against their labels.
    """

    attack = None


class AdversarialNetClassifier(ThreatNetClassifier):
    """Net that trains on attacked rows.

    See :class:`AdversarialClassifier` for its parameters.
    """

    _run_class = AttackRun
    _parameter_constraints = {
        **ThreatNetClassifier._parameter_constraints,
        "norm": [StrOptions({"linf", "l2"})],
        "attack_steps": [WholeNumber(1)],
        "step_size": [FiniteReal(0, None), "array-like", None],
        "random_start": ["boolean"],
    }

    def __init__(
        self,
        module="mlp",
        *,
        eps=None,
        eps_unit="input",
        norm="linf",
        attack_steps=10,
        step_size=None,
        random_start=True,
        perturb=None,
        box=None,
        criterion="cross_entropy",
        reweight_from=1.0,
        **kwargs,
    ):
        super().__init__(
            module,
            eps=eps,
            eps_unit=eps_unit,
            perturb=perturb,
            box=box,
            criterion=criterion,
            reweight_from=reweight_from,
            **kwargs,
        )
        self.norm = norm
        self.attack_steps = attack_steps
        self.step_size = step_size
        self.random_start = random_start

    def default_step(self, radius):
        # Madry et al.'s length, which reaches the far side from any start.
        return 2.5 * radius / self.attack_steps

    def begin_attack(self):
        self.run_.attack = partial(
            pgd,
            partial(net_logits, self),
            ball=self.run_.ball,
            attack_steps=self.attack_steps,
            step_size=torch.as_tensor(self.step_size_, **self.like_rows()),
            random_start=self.random_start,
            generator=current_generator(self.device or "cpu"),
        )

    def training_rows(self, X, y):
        """Attack the rows of a batch.

        Parameters
        ----------
        X : Tensor of shape (n, ...) or dict with keys 'X' and 'sample_weight'
        y : Tensor of shape (n,), int64

        Returns
        -------
        X, y
        """
        # As the net predicts: without dropout, and without updates of batch norm's
        # statistics.
        self._set_training(False)
        X = self.inside_box(X)
        return with_rows(X, self.run_.attack(rows_of(X), y)), y
