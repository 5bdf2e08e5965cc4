"""Making rows: their encoding, autoencoders and adversaries, and how these train."""

from imbdeep.generative._columns import categorical_columns, select_columns
from imbdeep.generative._decoder import RowDecoder
from imbdeep.generative._latent import interpolate, train_autoencoder
from imbdeep.generative._losses import (
    classifier_loss,
    cluster_loss,
    discriminator_loss,
    generator_loss,
    gradient_penalty,
    log_loss_of_made,
    log_loss_of_real,
    reconstruction_loss,
    squared_error,
    weight_penalty,
)
from imbdeep.generative._row_encoding import ImageEncoding, TableEncoding
from imbdeep.generative._row_head import RowHead
from imbdeep.generative._training import (
    class_batches,
    evaluate,
    has_converged,
    train,
)

__all__ = [
    "ImageEncoding",
    "RowDecoder",
    "RowHead",
    "TableEncoding",
    "categorical_columns",
    "class_batches",
    "classifier_loss",
    "cluster_loss",
    "discriminator_loss",
    "evaluate",
    "generator_loss",
    "gradient_penalty",
    "has_converged",
    "interpolate",
    "log_loss_of_made",
    "log_loss_of_real",
    "reconstruction_loss",
    "select_columns",
    "squared_error",
    "train",
    "train_autoencoder",
    "weight_penalty",
]
