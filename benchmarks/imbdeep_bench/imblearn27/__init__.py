"""The benchmark on imbalanced-learn's 27 sets: methods, presets, experiment."""
