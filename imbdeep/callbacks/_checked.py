"""Checks of the parameters of callbacks, before training."""

from imbdeep._arguments import check_arguments


class ChecksParameters:
    """Refuses wrong parameters in ``initialize``; until then, users may set them."""

    _parameter_constraints: dict

    def initialize(self):
        # With the name of the class: nets have a patience of their own, for example.
        check_arguments(
            {self._called(name): c for name, c in self._parameter_constraints.items()},
            {self._called(name): value for name, value in vars(self).items()},
        )
        return super().initialize()

    def _called(self, parameter):
        return f"{type(self).__name__}.{parameter}"
