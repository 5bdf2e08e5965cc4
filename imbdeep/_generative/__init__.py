"""Generate rows: encoding, autoencoders and adversaries, and their training."""

from imbdeep._generative.decoder import RowDecoder
from imbdeep._generative.image_encoding import BandCodec, ImageCodec, as_pixels
from imbdeep._generative.latent import interpolate, train_autoencoder
from imbdeep._generative.losses import (
    classifier_loss,
    cluster_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    log_loss_of_real,
    log_loss_of_synthetic,
    reconstruction_loss,
    squared_error,
    weight_penalty,
)
from imbdeep._generative.row_encoding import TableCodec
from imbdeep._generative.row_head import RowHead
from imbdeep._generative.training import (
    class_batches,
    has_converged,
    outputs_of,
    train,
)
