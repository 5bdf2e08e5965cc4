from imbdeep import losses
from imbdeep.losses import ClassificationLoss, CrowdLayerLoss
from imbdeep.losses._registry import LOSSES


def test_every_public_loss_has_a_name():
    public = {
        value
        for value in vars(losses).values()
        if isinstance(value, type) and issubclass(value, ClassificationLoss)
    }
    # A crowd layer needs workers, which only their classifier knows.
    assert set(LOSSES.values()) == public - {ClassificationLoss, CrowdLayerLoss}
