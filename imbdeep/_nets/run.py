"""State that a net holds during a fit."""


class Run:
    """State of a fit, which a pickle made during the fit leaves out.

    A method that holds more derives a class of its own.

    Attributes
    ----------
    eval_set : tuple (X, target) or None
        The user's validation rows, checked and encoded.
    split : tuple (dataset, dataset or None)
        Training and validation part of the stage.
    n_epochs : int
        Epochs of the stage so far.
    columns : TableColumns or None
        What augmented rows of a table may hold.
    groups : ndarray of shape (n_rows,), int, or None
        Rows that members hold out together.
    target : ndarray of shape (n_rows,), int, or None
        Class indices of the rows that members hold out in turn.
    held_out : ndarray of shape (n_rows, n_members), bool, or None
        Which rows each member holds out.
    unseen : Dataset or None
        The rows that some member holds out.
    member_rows : list of ndarray of int, or None
        Positions of the training rows of each member; None if all have all.
    batches : TensorBatches, or StackedBatches with those of each member, or None
        Those of training.
    mass, earlier_mass : ndarray
        Weight of the rows of each class, in this fit and in the loss of earlier ones.
    priors : dict of int to ndarray
        Class shares of the loss of each epoch, by its number.
    noted : tuple or None
        The class weight of the last epoch, and its class shares.
    is_stepping : bool
        Whether the epoch is one of training.
    """

    eval_set = None
    split = None
    n_epochs = 0
    columns = None
    groups = None
    target = None
    held_out = None
    unseen = None
    member_rows = None
    batches = None
    mass = earlier_mass = 0
    noted = None
    priors = None
    is_stepping = False
