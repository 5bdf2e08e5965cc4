"""What a net holds for as long as a fit lasts."""


class Run:
    """State of a fit, which a pickle made meanwhile leaves out.

    A method that holds more derives its own.

    Attributes
    ----------
    eval_set : tuple (X, target) or None
        Validation rows that were given, as the net uses them.
    split : tuple (dataset, dataset or None)
        Training and validation part of the stage.
    n_epochs : int
        Epochs of the stage that are done.
    """

    eval_set = None
    split = None
    n_epochs = 0
