"""A fit of a classifier and of a sampler, by the package as it is installed."""

from pathlib import Path

from sklearn.datasets import make_classification

import imbdeep
from imbdeep.classifiers import LDAMClassifier
from imbdeep.over_sampling import ReMix
from imbdeep.utils import all_estimators

assert "site-packages" in Path(imbdeep.__file__).parts, imbdeep.__file__
assert (Path(imbdeep.__file__).parent / "py.typed").exists()
X, y = make_classification(weights=[0.9], random_state=0)
net = LDAMClassifier(max_epochs=2, random_state=0).fit(X, y)
assert net.predict_proba(X).shape == (100, 2)
assert len(ReMix(random_state=0).fit_resample(X, y)[0]) > 100
print(imbdeep.__version__, len(all_estimators()), "estimators")
