"""Checks of the parameters of callbacks, before training."""

from imbdeep._arguments import check_arguments


class ChecksParameters:
    """Refuses wrong parameters in ``initialize``; until then, users may set them."""

    _parameter_constraints: dict

    def initialize(self):
        check_arguments(self._parameter_constraints, vars(self))
        return super().initialize()
