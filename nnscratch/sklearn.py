"""Networks as scikit-learn estimators, for `Pipeline`, `GridSearchCV` and `cross_val_score`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.preprocessing import LabelEncoder
from sklearn.utils import check_random_state
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, column_or_1d, validate_data

from nnscratch import optimizers, random
from nnscratch.layers import Dense
from nnscratch.models import Sequential

if TYPE_CHECKING:
    from collections.abc import Sequence

    from nnscratch.callbacks import History


class _NetworkEstimator(BaseEstimator):
    """What the classifier and the regressor share: the network and its training."""

    def __init__(
        self,
        hidden_layer_sizes: Sequence[int] = (64,),
        activation: str = "relu",
        optimizer: str = "adam",
        learning_rate: float = 0.01,
        epochs: int = 100,
        batch_size: int = 32,
        random_state: Any = None,
        verbose: int = 0,
    ) -> None:
        """Note the parameters; nothing is checked or made before `fit`.

        Args:
            hidden_layer_sizes: units of each hidden layer.
            activation: activation of the hidden layers.
            optimizer: name of the optimizer.
            learning_rate: its step size.
            epochs: passes over the data.
            batch_size: samples in a step.
            random_state: seed, or generator, of initial weights and shuffling.
            verbose: what `fit` prints, as in Keras.
        """
        self.hidden_layer_sizes = hidden_layer_sizes
        self.activation = activation
        self.optimizer = optimizer
        self.learning_rate = learning_rate
        self.epochs = epochs
        self.batch_size = batch_size
        self.random_state = random_state
        self.verbose = verbose

    def _train(self, x: Any, targets: Any, units: int, activation: str, loss: str) -> None:
        """Make the network anew and fit it, in float64: a row predicts the same in any batch."""
        seed = check_random_state(self.random_state).randint(np.iinfo(np.int32).max)
        with random.using(np.random.default_rng(seed)):
            self.model_ = self._network(x.shape[1], units, activation)
            optimizer = optimizers.get(self.optimizer)
            optimizer.learning_rate = self.learning_rate
            self.model_.compile(optimizer=optimizer, loss=loss)
            self.history_: History = self.model_.fit(
                x, targets, epochs=self.epochs, batch_size=self.batch_size, verbose=self.verbose
            )

    def _network(self, features: int, units: int, activation: str) -> Sequential:
        hidden = [
            Dense(size, activation=self.activation, dtype="float64")
            for size in self.hidden_layer_sizes
        ]
        outputs = Dense(units, activation=activation, dtype="float64")
        model = Sequential([*hidden, outputs])
        model.build_once((None, features))
        self._made_with = (features, units, activation)
        return model

    def _outputs(self, x: Any) -> Any:
        check_is_fitted(self, "model_")
        x = validate_data(self, x, reset=False, dtype=np.float64)
        return self.model_.predict(x, batch_size=len(x), verbose=0)

    def __getstate__(self) -> dict[str, Any]:
        """The network as its weights, so that pickles and copies stay small and whole."""
        state: dict[str, Any] = super().__getstate__()
        if "model_" in state:
            state = state | {"model_": state["model_"].get_weights()}
            state["history_"] = state["history_"].history
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Make the network again and give it its weights."""
        super().__setstate__(state)
        if "model_" in state:
            weights = state["model_"]
            self.model_ = self._network(*self._made_with)
            self.model_.set_weights(weights)


class NNClassifier(ClassifierMixin, _NetworkEstimator):
    """A dense network with a softmax (two classes: a sigmoid) as a scikit-learn classifier.

    Attributes:
        classes_: the labels, sorted.
        model_: the fitted `Sequential`.
        history_: what `fit` recorded.
    """

    def fit(self, X: Any, y: Any) -> Self:
        """Train on `X`, shape (samples, features), and labels `y`, shape (samples,)."""
        X, y = validate_data(self, X, y, dtype=np.float64)
        check_classification_targets(y)
        encoder = LabelEncoder().fit(column_or_1d(y, warn=True))
        self.classes_ = encoder.classes_
        targets = encoder.transform(y)
        if len(self.classes_) < 2:
            raise ValueError(
                f"NNClassifier needs samples of two classes at least, got one class: "
                f"{self.classes_[0]!r}."
            )
        if len(self.classes_) == 2:
            self._train(X, targets, 1, "sigmoid", "binary_crossentropy")
        else:
            classes = len(self.classes_)
            self._train(X, targets, classes, "softmax", "sparse_categorical_crossentropy")
        return self

    def predict_proba(self, X: Any) -> Any:
        """Probability of each class, shape (samples, classes)."""
        outputs = self._outputs(X)
        return np.hstack([1 - outputs, outputs]) if len(self.classes_) == 2 else outputs

    def predict(self, X: Any) -> Any:
        """The most probable label of each sample."""
        most_probable = np.argmax(self.predict_proba(X), axis=1)
        return self.classes_[most_probable]


class NNRegressor(RegressorMixin, _NetworkEstimator):
    """A dense network with linear outputs as a scikit-learn regressor.

    Attributes:
        model_: the fitted `Sequential`.
        history_: what `fit` recorded.
    """

    def __sklearn_tags__(self) -> Any:
        """Tell scikit-learn that several targets are welcome."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> Self:
        """Train on `X`, (samples, features), and `y`, (samples,) or (samples, outputs)."""
        X, y = validate_data(self, X, y, dtype=np.float64, multi_output=True, y_numeric=True)
        self._flat = y.ndim == 1
        targets = y.reshape(len(y), -1).astype(np.float64)
        self._center, self._scale = targets.mean(axis=0), targets.std(axis=0)
        self._scale[self._scale == 0] = 1.0
        standardised = (targets - self._center) / self._scale
        self._train(X, standardised, targets.shape[1], "linear", "mean_squared_error")
        return self

    def predict(self, X: Any) -> Any:
        """Predicted targets, of the shape that `fit` was given."""
        outputs = self._outputs(X) * self._scale + self._center
        return outputs[:, 0] if self._flat else outputs
