"""The Python program that does what one sees on the page, ready to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscratch.play.choices import PLAYED_OPTIMIZERS, REGULARIZERS
from nnscratch.play.features import COORDINATES

if TYPE_CHECKING:
    from nnscratch.play.choices import Choices


def program(choices: Choices, epochs: int) -> str:
    """The program, which trains for so many epochs: to the very weights on the page.

    Args:
        choices: what to build and how to train it.
        epochs: how often to go through the training points.
    """
    plain = choices.features == COORDINATES
    import_features = "" if plain else "from nnscratch.play.features import Features\n"
    features = "" if plain else f"        Features({_quoted(choices.features)}),\n"
    hidden = "".join(f"        {_dense(choices, n, choices.activation)},\n" for n in choices.layers)
    output = _dense(choices, 1, "sigmoid" if choices.has_classes else "linear")
    return f"""import nnscratch as ns
from nnscratch.layers import Dense, Input
from nnscratch.play.datasets import make
{import_features}
ns.random.seed({choices.seed})
x, y = make("{choices.dataset}", noise={choices.noise}, seed={choices.seed})
training, held_out = slice(None, {choices.training_points}), slice({choices.training_points}, None)

model = ns.Sequential(
    [
        Input(shape=(2,)),
{features}{hidden}        {output},
    ]
)
model.compile(
    optimizer=ns.optimizers.{_optimizer(choices)},
{_loss_and_metric(choices)}
)
model.fit(x[training], y[training], batch_size={choices.batch_size}, epochs={epochs}, verbose=0)

{_ending(choices)}"""


def _dense(choices: Choices, units: int, activation: str) -> str:
    arguments = [str(units), f'activation="{activation}"']
    if choices.initializer != "glorot_uniform":  # Dense's own default
        arguments.append(f'kernel_initializer="{choices.initializer}"')
    if penalty := REGULARIZERS[choices.regularizer]:
        arguments.append(f"kernel_regularizer=ns.regularizers.{penalty}({choices.penalty})")
    return f"Dense({', '.join(arguments)})"


def _optimizer(choices: Choices) -> str:
    name, settings = PLAYED_OPTIMIZERS[choices.optimizer]
    more = "".join(f", {key}={value}" for key, value in settings.items())
    return f"{name}({choices.learning_rate}{more})"


def _loss_and_metric(choices: Choices) -> str:
    if choices.has_classes:
        return '    loss="binary_crossentropy",\n    metrics=["accuracy"],'
    return '    loss="mean_squared_error",\n    metrics=["mean_absolute_error"],'


def _ending(choices: Choices) -> str:
    """What is printed and, of classes, drawn."""
    if choices.has_classes:
        name, shown = "accuracy", "accuracy {accuracy:.1%}"
        picture = 'ns.plot.decision_boundary(model, x, y).figure.savefig("boundary.png")\n'
    else:
        name, shown, picture = "error", "mean absolute error {error:.4g}", ""
    return f"""for name, rows in {{"training": training, "held out": held_out}}.items():
    loss, {name} = model.evaluate(x[rows], y[rows], verbose=0)
    print(f"{{name}}: loss {{loss:.4g}}, {shown}")
{picture}"""


def _quoted(names: tuple[str, ...]) -> str:
    return "[" + ", ".join(f'"{name}"' for name in names) + "]"
