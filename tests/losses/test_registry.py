from imbdeep import losses
from imbdeep.losses import LOSSES, ClassificationLoss


def test_every_public_loss_has_a_name():
    public = {
        value
        for value in vars(losses).values()
        if isinstance(value, type) and issubclass(value, ClassificationLoss)
    }
    assert set(LOSSES.values()) == public - {ClassificationLoss}
