"""What a conditional sampler is trained with, step by step."""

from copy import deepcopy


def watch_training(module, monkeypatch):
    """Note the players of a fit as they start, and all that goes into them.

    Parameters
    ----------
    module : module
        Of the sampler.
    monkeypatch : MonkeyPatch

    Returns
    -------
    seen : dict
        ``start``, copies of the players; ``training``, the parameters of ``train``;
        ``inputs``, pairs of a player's name and what it was given, of which the first
        ``n_inputs_of_training`` come from the training.
    """
    seen = {"inputs": []}

    def spy(players, *args, **kwargs):
        seen["start"] = deepcopy(dict(players))
        seen["training"] = kwargs
        for name, net in players.items():

            def note(net, inputs, name=name):
                seen["inputs"].append((name, inputs[0].detach().clone()))

            net.register_forward_pre_hook(note)
        history = train(players, *args, **kwargs)
        seen["n_inputs_of_training"] = len(seen["inputs"])
        return history

    train = module.train
    monkeypatch.setattr(module, "train", spy)
    return seen
