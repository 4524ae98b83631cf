"""The Python program that does what one sees on the page, ready to copy."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnscratch.play.choices import PLAYED_OPTIMIZERS
from nnscratch.play.datasets import TRAINING

if TYPE_CHECKING:
    from nnscratch.play.choices import Choices


def program(choices: Choices, epochs: int) -> str:
    """The program, which trains for so many epochs: to the very weights on the page.

    Args:
        choices: what to build and how to train it.
        epochs: how often to go through the training points.
    """
    initializer = (
        ""
        if choices.initializer == "glorot_uniform"  # Dense's own default
        else f', kernel_initializer="{choices.initializer}"'
    )
    hidden = "".join(
        f'        Dense({units}, activation="{choices.activation}"{initializer}),\n'
        for units in choices.layers
    )
    optimizer, settings = PLAYED_OPTIMIZERS[choices.optimizer]
    more = "".join(f", {name}={value}" for name, value in settings.items())
    return f'''import nnscratch as ns
from nnscratch.layers import Dense, Input
from nnscratch.play.datasets import make

ns.random.seed({choices.seed})
x, y = make("{choices.dataset}", noise={choices.noise}, seed={choices.seed})
training, held_out = slice(None, {TRAINING}), slice({TRAINING}, None)

model = ns.Sequential(
    [
        Input(shape=(2,)),
{hidden}        Dense(1, activation="sigmoid"{initializer}),
    ]
)
model.compile(
    optimizer=ns.optimizers.{optimizer}({choices.learning_rate}{more}),
    loss="binary_crossentropy",
    metrics=["accuracy"],
)
model.fit(x[training], y[training], batch_size={choices.batch_size}, epochs={epochs}, verbose=0)

for name, rows in {{"training": training, "held out": held_out}}.items():
    loss, accuracy = model.evaluate(x[rows], y[rows], verbose=0)
    print(f"{{name}}: loss {{loss:.4g}}, accuracy {{accuracy:.1%}}")
ns.plot.decision_boundary(model, x, y).figure.savefig("boundary.png")
'''
