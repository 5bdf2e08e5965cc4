"""Parameters of callbacks, checked when a net is made ready to train."""

from imbdeep._arguments import check_arguments


class ChecksParameters:
    """Refuses wrong parameters in ``initialize``, as they may be set until then."""

    _parameter_constraints: dict

    def initialize(self):
        check_arguments(self._parameter_constraints, vars(self))
        return super().initialize()
