"""Functional: a model of any inputs and outputs, wired from layers called on `Input`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnscratch.autograd.trees import leaves, rebuild
from nnscratch.configuration import deserialize, serialize
from nnscratch.layers.symbolic import LayerCall, SymbolicTensor
from nnscratch.models.input_rank import with_rank
from nnscratch.models.model import Model

if TYPE_CHECKING:
    from typing import Self

    from nnscratch.configuration import Known
    from nnscratch.layers import Layer


class Functional(Model):
    """`Model(inputs, outputs)`: computes the outputs by making each call of a layer once.

    Attributes:
        inputs: what `Input` made, nested as it was given.
        outputs: what the layers gave, nested as they were given.
        calls: the calls of layers that lead from the ones to the others, in order.
    """

    has_architecture = True

    def __init__(self, inputs: Any, outputs: Any, name: str | None = None) -> None:
        """Follow the outputs back to the inputs.

        Raises:
            TypeError: something that was not made by `Input` or by calling a layer on it.
            ValueError: an output that depends on an input which is not among `inputs`.
        """
        for value in [*leaves(inputs), *leaves(outputs)]:
            if not isinstance(value, SymbolicTensor):
                raise TypeError(
                    f"Model takes what Input, and layers called on it, give; got {value!r}."
                )
        super().__init__(name=name)
        self.inputs = inputs
        self.outputs = outputs
        self.calls = _calls_between(leaves(inputs), leaves(outputs))
        self._layers: list[Layer] = list(dict.fromkeys(call.layer for call in self.calls))
        if self._layers:
            self.dtype = self._layers[0].dtype
        self.input_shape = rebuild(inputs, (symbol.shape for symbol in leaves(inputs)))
        self.built = True
        self.takes_several = not isinstance(inputs, SymbolicTensor)
        self.gives_several = not isinstance(outputs, SymbolicTensor)

    @property
    def layers(self) -> list[Layer]:
        """The layers in the order of their first call."""
        return self._layers

    @property
    def output_names(self) -> list[str]:
        """For each output the name of the layer that makes it."""
        return [symbol.name for symbol in leaves(self.outputs)]

    def call(self, inputs: Any, training: bool = False) -> Any:
        """Make each call in turn.

        Raises:
            ValueError: another number of inputs, or names that do not fit.
        """
        symbols = leaves(self.inputs)
        given = self._in_order(inputs, symbols)
        values = {
            symbol: value if value.shape[1:] == symbol.shape[1:] else self._fitted(symbol, value)
            for symbol, value in zip(symbols, given, strict=True)
        }
        for call in self.calls:
            arguments = rebuild(call.inputs, (values[symbol] for symbol in leaves(call.inputs)))
            outputs = call.layer(arguments, training=training)
            values.update(zip(call.outputs, leaves(outputs), strict=True))
        return rebuild(self.outputs, (values[symbol] for symbol in leaves(self.outputs)))

    def compute_output_shape(self, input_shape: Any) -> Any:
        """The shapes that were found when it was wired."""
        return rebuild(self.outputs, (symbol.shape for symbol in leaves(self.outputs)))

    def get_config(self) -> dict[str, Any]:
        """Its inputs, its layers, and the calls that wire them.

        Symbolic tensors are numbered: first the inputs, then what each call gives.
        """
        given = leaves(self.inputs)
        made = [symbol for call in self.calls for symbol in call.outputs]
        numbers = {symbol: {"symbol": number} for number, symbol in enumerate([*given, *made])}

        def numbered(symbols: Any) -> Any:
            return serialize(rebuild(symbols, (numbers[symbol] for symbol in leaves(symbols))))

        return {
            "name": self.name,
            "input_tensors": [
                {"shape": list(symbol.shape), "dtype": symbol.dtype.name, "name": symbol.name}
                for symbol in given
            ],
            "layers": [serialize(layer) for layer in self.layers],
            "calls": [
                {"layer": self.layers.index(call.layer), "inputs": numbered(call.inputs)}
                for call in self.calls
            ],
            "inputs": numbered(self.inputs),
            "outputs": numbered(self.outputs),
        }

    @classmethod
    def from_config(cls, config: dict[str, Any], known: Known) -> Self:
        """Make its layers again, and call them again in the same order."""
        symbols = [
            SymbolicTensor(tuple(given["shape"]), given["dtype"], given["name"])
            for given in config["input_tensors"]
        ]

        def named(numbered: Any) -> Any:
            if isinstance(numbered, list):
                return [named(part) for part in numbered]
            if isinstance(numbered.get("symbol"), int):
                return symbols[numbered["symbol"]]
            return {key: named(part) for key, part in numbered.items()}

        layers = [deserialize(layer, known) for layer in config["layers"]]
        for call in config["calls"]:
            symbols.extend(leaves(layers[call["layer"]](named(call["inputs"]))))
        return cls(named(config["inputs"]), named(config["outputs"]), name=config["name"])

    def _fitted(self, symbol: SymbolicTensor, value: Any) -> Any:
        """An input of the shape that its symbol has, where that is known.

        Raises:
            ValueError: it has another one; the message has both.
        """
        if value.ndim != len(symbol.shape):
            value = with_rank(self.name, symbol.shape, value)
        for length, wanted in zip(value.shape[1:], symbol.shape[1:], strict=True):
            if wanted not in (None, length):
                raise ValueError(
                    f"Model {self.name!r} takes arrays of shape {symbol.shape} for its input "
                    f"{symbol.name!r}, got one of shape {value.shape}: give samples of that shape."
                )
        return value

    def _in_order(self, inputs: Any, symbols: list[SymbolicTensor]) -> list[Any]:
        """The given inputs in the order of the model's own; a dictionary is read by name."""
        if isinstance(inputs, dict):
            keys = list(self.inputs) if isinstance(self.inputs, dict) else [s.name for s in symbols]
            if missing := [key for key in keys if key not in inputs]:
                raise ValueError(
                    f"Model {self.name!r} needs an input called {missing[0]!r}, got "
                    f"{', '.join(map(repr, inputs))}."
                )
            return [inputs[key] for key in keys]
        given = leaves(inputs)
        if len(given) != len(symbols):
            names = ", ".join(symbol.name for symbol in symbols)
            raise ValueError(
                f"Model {self.name!r} takes {len(symbols)} inputs ({names}), got {len(given)}: "
                f"give a list with one array for each."
            )
        return given


def _calls_between(inputs: list[SymbolicTensor], outputs: list[SymbolicTensor]) -> list[LayerCall]:
    """The calls that lead from `inputs` to `outputs`, each after those that it builds on."""
    found: set[LayerCall] = set()
    stack = list(outputs)
    while stack:
        symbol = stack.pop()
        if symbol in inputs:
            continue
        if symbol.call is None:
            raise ValueError(
                f"An output of the model depends on the input {symbol.name!r}, which is not among "
                f"its inputs: add it to Model(inputs=[...])."
            )
        if symbol.call not in found:
            found.add(symbol.call)
            stack.extend(leaves(symbol.call.inputs))
    return sorted(found, key=lambda call: call.serial)
