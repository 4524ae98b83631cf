"""Optimizer: turns gradients into updates, over flat buffers."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import numpy as np

from nnscratch.autograd import Parameter
from nnscratch.configuration import Configured, serialize
from nnscratch.optimizers import clipping, options
from nnscratch.optimizers import state as state_names
from nnscratch.optimizers.flat import Buffers
from nnscratch.optimizers.plan import Plan, Treatment
from nnscratch.schedules import LearningRateSchedule
from nnscratch_kernels.devices import device_of, on_host, to_device

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from nnscratch.autograd import Tensor
    from nnscratch.optimizers.options import LearningRate
    from nnscratch.optimizers.plan import Block

_MOST_PLANS = 64  # one for each choice of parameters that take part; more come from changing graphs


class Optimizer(Configured):
    """Base of all optimizers: a subclass names its slots and gives `update`.

    The options are those of `keras.optimizers.Optimizer` and act in its order: gradients are
    unscaled, accumulated and clipped; weights decay; the update; the moving average of the
    weights; constraints. They may be changed between any two steps.

    A parameter that is frozen stays out of all of this until it thaws, and parameters may be added
    at any time. In Keras the moving average goes on also for those frozen after the first step.

    Attributes:
        slots: the arrays that it keeps for each parameter, and the number that each starts with.
    """

    slots: Mapping[str, float] = {}

    def __init__(
        self,
        learning_rate: LearningRate,
        weight_decay: float | None = None,
        clipnorm: float | None = None,
        clipvalue: float | None = None,
        global_clipnorm: float | None = None,
        use_ema: bool = False,
        ema_momentum: float = 0.99,
        ema_overwrite_frequency: int | None = None,
        loss_scale_factor: float | None = None,
        gradient_accumulation_steps: int | None = None,
        name: str | None = None,
    ) -> None:
        """Start at step 0.

        Args:
            learning_rate: η: a number, a schedule, or a function without arguments.
            weight_decay: λ: before each update w ← w - η λ w (Loshchilov and Hutter 2019).
            clipnorm: the largest norm that the gradient of each parameter may have.
            clipvalue: the largest magnitude that an element of a gradient may have.
            global_clipnorm: the largest norm that all gradients may have together.
            use_ema: keep an exponential moving average of the weights. The average takes the place
                of the weights at the end of `fit` (`finalize_variable_values`).
            ema_momentum: a ← momentum · a + (1 - momentum) · w after each step; a = w at first.
            ema_overwrite_frequency: also set w ← a each time that so many steps were taken.
            loss_scale_factor: multiplies the loss before `backward`, and divides the gradients.
            gradient_accumulation_steps: update only at each n-th step, with the mean gradient of
                the n; 2 or more.
            name: a label, by default the name of the class in lower case.

        Raises:
            ValueError: a number outside its range, or more than one way of clipping.
        """
        clips = {"clipnorm": clipnorm, "clipvalue": clipvalue, "global_clipnorm": global_clipnorm}
        given = [argument for argument, limit in clips.items() if limit is not None]
        if len(given) > 1:
            raise ValueError(
                f"Only one of clipnorm, clipvalue and global_clipnorm can be set, got "
                f"{' and '.join(given)}: choose one."
            )
        self.name = name or type(self).__name__.lower()
        self.learning_rate = learning_rate
        self.weight_decay = (
            None if weight_decay is None else options.not_negative("weight_decay", weight_decay)
        )
        self.clipnorm = options.positive_or_none("clipnorm", clipnorm)
        self.clipvalue = options.positive_or_none("clipvalue", clipvalue)
        self.global_clipnorm = options.positive_or_none("global_clipnorm", global_clipnorm)
        self.use_ema = use_ema
        self.ema_momentum = options.fraction("ema_momentum", ema_momentum)
        self.ema_overwrite_frequency = options.steps_or_none(
            "ema_overwrite_frequency", ema_overwrite_frequency, least=1
        )
        self.loss_scale_factor = options.positive_or_none("loss_scale_factor", loss_scale_factor)
        self.gradient_accumulation_steps = options.steps_or_none(
            "gradient_accumulation_steps", gradient_accumulation_steps, least=2
        )
        self._steps = 0  # calls of `apply`
        self._multipliers: dict[Any, float] = {}
        self._no_decay: set[Parameter] = set()
        self._no_decay_names: re.Pattern[str] | None = None
        self._buffers = Buffers()
        self._plans: dict[tuple[Parameter, ...], Plan] = {}
        self._plan: Plan | None = None

    # --- for subclasses -----------------------------------------------------------------------

    def update(
        self, values: Any, gradients: Any, slots: dict[str, Any], learning_rate: float
    ) -> None:
        """Change flat arrays in place by one step.

        It is called several times in one step, for different parameters.

        Args:
            values: the weights, shape (n,).
            gradients: as many, to be left as they are.
            slots: what is kept from step to step, by name, each of shape (n,).
            learning_rate: η for these weights.
        """
        raise NotImplementedError(f"{type(self).__name__} needs an update method.")

    # --- what can be read and set at any time -------------------------------------------------

    @property
    def learning_rate(self) -> Any:
        """η of the next step. A number or a schedule may be set at any time.

        A schedule is called with the number of calls of `apply` so far; another function is called
        without arguments, as in Keras.
        """
        rate = self._learning_rate
        if isinstance(rate, float):
            return rate
        return float(rate(self._steps) if isinstance(rate, LearningRateSchedule) else rate())

    @learning_rate.setter
    def learning_rate(self, learning_rate: Any) -> None:
        if not callable(learning_rate):
            learning_rate = options.not_negative("learning_rate", learning_rate)
        self._learning_rate: LearningRate = learning_rate

    @property
    def iterations(self) -> int:
        """How many steps were taken; with accumulation, how many updates."""
        every = self.gradient_accumulation_steps
        return self._steps // every if every else self._steps

    def set_learning_rate_multipliers(self, multipliers: Mapping[Any, float]) -> None:
        """Give layers or weights learning rates of their own, as for fine-tuning.

            optimizer.set_learning_rate_multipliers({model.layers[0]: 0.1, model.layers[1]: 0.3})

        The rate of each weight is the optimizer's, scheduled or not, times its multiplier, which is
        1 unless it was set. It takes effect at the next step; calls add up, and of several that
        concern a weight the last one counts.

        Args:
            multipliers: a positive number for each layer (or model) or Parameter.

        Raises:
            TypeError: a key that is neither.
            ValueError: a multiplier that is not a positive number; nothing is changed.
        """
        checked: dict[Any, float] = {}
        for owner, multiplier in multipliers.items():
            if not isinstance(owner, Parameter) and not hasattr(owner, "weights"):
                raise TypeError(
                    f"Learning rate multipliers are set for layers and parameters, got {owner!r}: "
                    f"use model.get_layer(name) or model.layers[i]."
                )
            checked[owner] = options.positive("A learning rate multiplier", multiplier)
        for owner in checked:
            self._multipliers.pop(owner, None)  # so that the latest is the last in the dictionary
        self._multipliers.update(checked)
        self._forget_plans()

    def exclude_from_weight_decay(
        self,
        var_list: Iterable[Parameter] | None = None,
        var_names: Iterable[str] | None = None,
    ) -> None:
        """Let some weights not decay; replaces what was excluded before.

        Args:
            var_list: parameters.
            var_names: every parameter in whose name one of these regular expressions is found;
                ["bias"] excludes all biases.
        """
        self._no_decay = set(var_list or ())
        self._no_decay_names = re.compile("|".join(var_names)) if var_names else None
        self._forget_plans()

    # --- steps --------------------------------------------------------------------------------

    def scale_loss(self, loss: Any) -> Any:
        """The loss to call `backward` on: times `loss_scale_factor`, if there is one."""
        return loss if self.loss_scale_factor is None else loss * self.loss_scale_factor

    def build(self, parameters: Iterable[Parameter]) -> None:
        """Make room for parameters before their first step; those known stay as they are."""
        self._buffers.add(parameters, self._slot_starts())

    def apply(self, gradients: Sequence[Tensor | None], parameters: Sequence[Parameter]) -> None:
        """Take one step.

        Args:
            gradients: one for each parameter, None where it did not take part.
            parameters: those to change; others keep their values and their slots.

        Raises:
            ValueError: no gradient at all, another number of them than of parameters, or one of
                another shape than its parameter's.
        """
        if not parameters:
            return
        plan = self._plan
        if plan is None or not plan.fits(gradients, parameters):
            plan = self._plan = self._load(gradients, parameters)
        rate, weight_decay = self.learning_rate, self.weight_decay
        blocks = self._prepared(plan) if self._prepares_gradients else plan.blocks
        for values, block_gradients, slots, multiplier, decays in blocks:
            if weight_decay is not None and decays:
                values *= 1.0 - weight_decay * rate * multiplier
            self.update(values, block_gradients, slots, rate * multiplier)
        if self.use_ema:
            self._average(plan)
        for parameter in plan.parameters:
            if parameter.constraint is not None:
                parameter.data[...] = parameter.constraint(parameter.data)
        self._steps += 1

    def follow(self, parameters: Iterable[Parameter]) -> None:
        """Bring what is kept for parameters to the devices on which they are now.

        `model.to("gpu")` calls it, and so does the first step after parameters were moved.
        """
        self._buffers.follow(parameters)
        self._forget_plans()

    def apply_gradients(self, grads_and_vars: Iterable[tuple[Tensor | None, Parameter]]) -> None:
        """Take one step, as `apply`, from pairs of a gradient and its parameter."""
        gradients, parameters = zip(*grads_and_vars, strict=True)
        self.apply(gradients, parameters)

    def finalize_variable_values(self, parameters: Iterable[Parameter]) -> None:
        """With `use_ema`, put the moving averages in the place of the weights: the end of `fit`."""
        if self.use_ema:
            for parameter in parameters:
                slots = self._buffers.slot_views(parameter)
                if "average" in slots:
                    parameter.assign(slots["average"])

    @property
    def _prepares_gradients(self) -> bool:
        """Whether something happens to gradients before the update."""
        return (
            self.clipnorm is not None
            or self.clipvalue is not None
            or self.global_clipnorm is not None
            or self.gradient_accumulation_steps is not None
            or self.loss_scale_factor is not None
        )

    def _prepared(self, plan: Plan) -> list[Block]:
        """The blocks with unscaled, accumulated and clipped gradients; none while accumulating."""
        for stretch in plan.stretches:
            target = stretch.buffer.prepared[stretch.place]
            np.copyto(target, stretch.buffer.gradients[stretch.place])
            if self.loss_scale_factor is not None:
                target /= self.loss_scale_factor
        if self.gradient_accumulation_steps and not self._accumulate(
            plan, self.gradient_accumulation_steps
        ):
            return []
        if self.clipnorm is not None:
            clipping.clip_by_norm(plan.prepared_gradients, self.clipnorm)
        elif self.global_clipnorm is not None:
            clipping.clip_by_global_norm(plan.prepared_gradients, self.global_clipnorm)
        elif self.clipvalue is not None:
            clipping.clip_by_value(plan.prepared_gradients, self.clipvalue)
        return plan.prepared_blocks

    def _accumulate(self, plan: Plan, every: int) -> bool:
        """Add up prepared gradients; at each n-th step make them the mean and start anew."""
        complete = (self._steps + 1) % every == 0
        for buffer, place, _ in plan.stretches:
            total = buffer.slot("gradient_accumulator", 0.0)[place]
            total += buffer.prepared[place]
            if complete:
                np.divide(total, every, buffer.prepared[place])
        if complete:
            for buffer in self._buffers.distinct:  # also of parameters that were frozen meanwhile
                buffer.slot("gradient_accumulator", 0.0).fill(0)
        return complete

    def _average(self, plan: Plan) -> None:
        """Move the averages of the weights, and now and then set the weights to them."""
        every = self.ema_overwrite_frequency
        momentum = self.ema_momentum if self.iterations else 0.0
        for buffer, place, _ in plan.stretches:
            values = buffer.values[place]
            average = buffer.slot("average", None)[place]
            average *= momentum
            average += (1.0 - momentum) * values
            if every and (self.iterations + 1) % every == 0:
                np.copyto(values, average)

    # --- how to go over the buffers -----------------------------------------------------------

    def _load(self, gradients: Sequence[Tensor | None], parameters: Sequence[Parameter]) -> Plan:
        """Bring everything into the buffers, and say how the step goes over them."""
        if len(gradients) != len(parameters):
            raise ValueError(
                f"{self.name} got {len(gradients)} gradients for {len(parameters)} parameters: "
                f"give one for each, None for those without."
            )
        pairs = [(g, p) for g, p in zip(gradients, parameters, strict=True) if g is not None]
        if not pairs:
            raise ValueError(
                f"{self.name} got no gradient for any of {len(parameters)} parameters: call "
                f"loss.backward() first, on a loss that depends on them."
            )
        key = tuple(p for _, p in pairs)
        plan = self._plan_for(key)
        if plan.is_left():
            self.follow(key)
            plan = self._plan_for(key)
        plan.load([g for g, _ in pairs])
        return plan

    def _plan_for(self, parameters: tuple[Parameter, ...]) -> Plan:
        plan = self._plans.get(parameters)
        if plan is None:
            if len(self._plans) >= _MOST_PLANS:
                self._plans.clear()
            self.build(parameters)
            plan = Plan(parameters, self._buffers.places, self.treatments(parameters))
            self._plans[parameters] = plan
        return plan

    def treatments(self, parameters: Iterable[Parameter]) -> list[Treatment]:
        """Learning rate multiplier of each parameter, and whether it decays."""
        multipliers: dict[Parameter, float] = {}
        for owner, multiplier in self._multipliers.items():
            for weight in [owner] if isinstance(owner, Parameter) else owner.weights:
                multipliers[weight] = multiplier
        names = self._no_decay_names
        return [
            Treatment(
                multipliers.get(parameter, 1.0),
                parameter not in self._no_decay
                and not (names is not None and names.search(parameter.name)),
            )
            for parameter in parameters
        ]

    def _slot_starts(self) -> dict[str, float | None]:
        """What each slot starts with; None stands for the values themselves."""
        starts: dict[str, float | None] = dict(self.slots)
        if self.gradient_accumulation_steps is not None:
            starts["gradient_accumulator"] = 0.0
        if self.use_ema:
            starts["average"] = None
        return starts

    def _forget_plans(self) -> None:
        self._plans.clear()
        self._plan = None

    # --- copies and files ---------------------------------------------------------------------

    def __getstate__(self) -> dict[str, Any]:
        """What a copy is made of: all but the plans, which hold views of the buffers."""
        return {**vars(self), "_plans": {}, "_plan": None}

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments by name, as JSON can hold them; the rate as it is now."""
        return {**super().get_config(), "learning_rate": serialize(self._learning_rate)}

    def get_state(self, parameters: Sequence[Parameter]) -> dict[str, Any]:
        """All that a step depends on beside configuration, values and gradients, to the last bit.

        Args:
            parameters: all weights of the model, in an order that does not change.

        Returns:
            Arrays by name, copies: "iterations" (calls of `apply`), "learning_rate" unless it is a
            function, and for each parameter that it trains "velocity/3" and the like, with the
            parameter's place in the list, of the parameter's shape.
        """
        self.build(parameter for parameter in parameters if parameter.trainable)
        state = {state_names.ITERATIONS: np.asarray(self._steps, np.int64)}
        if isinstance(self._learning_rate, float):
            state[state_names.LEARNING_RATE] = np.asarray(self._learning_rate)
        for index, treatment in enumerate(self.treatments(parameters)):
            for slot, view in self._buffers.slot_views(parameters[index]).items():
                state[f"{slot}/{index}"] = on_host(view.copy())
            if treatment.multiplier != 1:
                state[f"{state_names.MULTIPLIER}/{index}"] = np.asarray(treatment.multiplier)
        return state

    def set_state(self, parameters: Sequence[Parameter], state: Mapping[str, Any]) -> None:
        """Go on from what `get_state` gave, also before the first step.

        Args:
            parameters: the weights of a model of the same architecture, in the same order.
            state: arrays by name.

        Raises:
            ValueError: the state of another kind of optimizer, of other options, or of another
                architecture; nothing is changed then.
        """
        checked = state_names.checked(state, parameters, self._slot_starts(), self.name)
        trained = [p for p, own in zip(parameters, checked.slots, strict=True) if own]
        self._buffers.remove(parameters)
        self._forget_plans()
        self.build(trained)
        for parameter, own in zip(parameters, checked.slots, strict=True):
            for slot, view in self._buffers.slot_views(parameter).items():
                view[...] = to_device(own[slot], device_of(view))
        self._steps = checked.iterations
        if checked.learning_rate is not None:
            self.learning_rate = checked.learning_rate
        self.set_learning_rate_multipliers(
            {
                parameter: multiplier
                for parameter, multiplier, now in zip(
                    parameters, checked.multipliers, self.treatments(parameters), strict=True
                )
                if multiplier != now.multiplier
            }
        )
