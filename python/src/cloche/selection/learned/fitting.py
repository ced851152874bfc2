"""Fit with scikit-learn, on one thread and with fixed seeds, and take out the arrays."""

import numpy as np
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.linear_model import LogisticRegression

from cloche.selection.learned.columns import Matrix, Vector
from cloche.selection.learned.estimator import Calibration, Estimator, Forest, Integers, Linear, logit, standardised

SEED = 20_240_607
KINDS = ("logistic regression", "random forest", "gradient boosting")


def sklearn_estimator(kind: str) -> LogisticRegression | RandomForestClassifier | HistGradientBoostingClassifier:
    """Return the unfitted estimator of a kind."""
    if kind == "logistic regression":
        return LogisticRegression(C=1.0, max_iter=2000)
    if kind == "random forest":
        return RandomForestClassifier(
            n_estimators=120, min_samples_leaf=4, max_features=0.3, n_jobs=1, random_state=SEED
        )
    return HistGradientBoostingClassifier(
        learning_rate=0.05,
        max_iter=120,
        max_leaf_nodes=8,
        min_samples_leaf=40,
        l2_regularization=10.0,
        max_features=0.3,
        early_stopping=False,
        random_state=SEED,
    )


def fit(kind: str, values: Matrix, failed: Vector) -> Estimator:
    """Return an estimator of a kind, fitted. Both classes must be there."""
    model = sklearn_estimator(kind)
    if isinstance(model, LogisticRegression):
        mean = values.mean(axis=0)
        scale = values.std(axis=0)
        scale[scale == 0] = 1.0
        model.fit(standardised(values, mean, scale), failed)
        return Linear(mean, scale, model.coef_[0].astype(np.float64), model.intercept_.astype(np.float64))
    model.fit(values, failed)
    return forest_of(model) if isinstance(model, RandomForestClassifier) else boosted_of(model)


def forest_of(model: RandomForestClassifier) -> Forest:
    """Return the trees of a random forest."""
    trees = [each.tree_ for each in model.estimators_]
    roots = np.cumsum([0, *(tree.node_count for tree in trees[:-1])])

    def joined(name: str) -> Integers:
        # Children are numbered within their tree; -1 stands for none.
        parts = [getattr(tree, name).astype(np.int64) for tree in trees]
        return np.concatenate([np.where(part >= 0, part + root, -1) for part, root in zip(parts, roots, strict=True)])

    left = joined("children_left")
    return Forest(
        roots=roots.astype(np.int64),
        column=np.where(left >= 0, np.concatenate([tree.feature for tree in trees]), 0).astype(np.int64),
        threshold=np.concatenate([tree.threshold for tree in trees]).astype(np.float64),
        left=left,
        right=joined("children_right"),
        value=np.concatenate([tree.value[:, 0, 1] for tree in trees]).astype(np.float64),
        start=np.zeros(1),
        summed=False,
        single=True,
    )


def boosted_of(model: HistGradientBoostingClassifier) -> Forest:
    """Return the trees of a gradient boosting."""
    trees = [stage[0].nodes for stage in model._predictors]  # noqa: SLF001 - scikit-learn has no public name for them
    roots = np.cumsum([0, *(len(tree) for tree in trees[:-1])])
    leaf = np.concatenate([tree["is_leaf"] for tree in trees]).astype(bool)
    offset = np.concatenate([np.full(len(tree), root) for tree, root in zip(trees, roots, strict=True)])

    def joined(name: str) -> Vector:
        return np.concatenate([tree[name] for tree in trees])

    return Forest(
        roots=roots.astype(np.int64),
        column=np.where(leaf, 0, joined("feature_idx")).astype(np.int64),
        threshold=np.where(leaf, 0.0, joined("num_threshold")).astype(np.float64),
        left=np.where(leaf, -1, joined("left").astype(np.int64) + offset),
        right=np.where(leaf, -1, joined("right").astype(np.int64) + offset),
        value=joined("value").astype(np.float64),
        start=model._baseline_prediction.ravel().astype(np.float64),  # noqa: SLF001 - as above
        summed=True,
        single=False,
    )


def calibrate(probability: Vector, failed: Vector) -> Calibration:
    """Return Platt's calibration of probabilities that were predicted for pairs which were not fitted on."""
    if len(set(failed.tolist())) < 2:  # noqa: PLR2004 - both classes
        return Calibration(1.0, 0.0)
    model = LogisticRegression(C=1e6, max_iter=1000).fit(logit(probability).reshape(-1, 1), failed)
    return Calibration(max(0.05, float(model.coef_[0, 0])), float(model.intercept_[0]))
