"""What lies at the end of pipelines within pipelines."""

from sklearn.pipeline import Pipeline


def last_step(estimator):
    """Find the last estimator of a pipeline, and the way to it.

    Parameters
    ----------
    estimator : object
        A pipeline, or an estimator alone.

    Returns
    -------
    path : list of str
        Names of the steps that lead to it; empty for an estimator alone.
    last : object

    Examples
    --------
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from imbdeep.calibration._pipelines import last_step
    >>> last_step(make_pipeline(make_pipeline(LogisticRegression())))
    (['pipeline', 'logisticregression'], LogisticRegression())
    """
    path = []
    while isinstance(estimator, Pipeline):
        name, estimator = estimator.steps[-1]
        path.append(name)
    return path, estimator
