"""What recurrent layers have in common: sizes, states, layers and directions, parameters."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product as pairs
from typing import ClassVar

from specc.graph import Layer
from specc.ops.base import Construction, ParameterSpec
from specc.ops.directions import directions, is_top
from specc.ops.recurrent_torch import RecurrentTorch
from specc.ops.rules import given, product, require_number, require_sequence
from specc.ops.site import Site
from specc.signature import BOOLEAN, POSITIVE, RATE, TENSOR, Argument, choice, whole
from specc.types import TensorType
from specc.values import Value, constant

SIZES = (
    Argument("units", POSITIVE, doc="how many features the state has, of each direction"),
    Argument(
        "layers",
        whole(1, 1000),
        1,
        "how many are on top of each other, each with weights of its own",
        True,
    ),
    Argument(
        "bidirectional",
        BOOLEAN,
        False,
        "whether a second one runs from the end; the features of both come out",
        structural=True,
    ),
)
"""The first arguments of every recurrent layer; behind them stand its own."""

OPTIONS = (
    Argument("bias", BOOLEAN, True, "whether learned numbers are added", structural=True),
    Argument("dropout", RATE, 0, "what `dropout` leaves out between two layers"),
    Argument(
        "join",
        choice("each", "top"),
        "each",
        "where both directions meet: behind each layer, or behind the last, as two stacks",
        structural=True,
    ),
    Argument("initial", TENSOR, None, "the state before the first step, else zeros"),
)
"""The last ones."""

PARAMETERS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Recurrent(RecurrentTorch):
    """A layer that goes through a sequence step by step, with a state.

    Attributes:
        gates: how many affine maps a step has, all in one matrix.
    """

    family = "sequence"
    keeps_input = True
    keeps_output = True
    respects_lengths = True
    carries_state = True
    optional_results: ClassVar[tuple[str, ...]] = ("hidden",)
    gates: ClassVar[int]

    # ------------------------------------------------------------ shapes

    def infer(self, site: Site) -> TensorType:
        """[time, in] → [time, units · directions]; `as` names the last states, too.

        Those, and `initial` ones, are [layers · directions, units], layer by layer, in each the
        forward direction first: `gru(8) as (sequence, hidden)`, and of an LSTM `(sequence, hidden,
        cell)`.
        """
        require_sequence(site)
        features = site.input.features
        rows = self.gates * site["units"]
        require_number(site, features, "features", f"its weight is [{rows}, {features}]")
        _check_options(site)
        for name, state in site.named.items():
            _check_state(site, name, state)
        return site.input.with_features(directions(site) * site["units"])

    def infer_results(self, site: Site) -> tuple[TensorType, ...]:
        """The sequence, and the last states, each [layers · directions, units]."""
        return (self.infer(site), *(_state(site) for _ in self.optional_results))

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """`weight_ih_l0` [gates · units, in], `weight_hh_l0`, biases, `weight_ih_l0_reverse`, …."""
        found: list[ParameterSpec] = []
        rows = self.gates * layer["units"]
        for place, features in self.places(layer):
            shapes = (rows, features), (rows, layer["units"]), (rows,), (rows,)
            named = zip(PARAMETERS, shapes[: 4 if layer["bias"].plain else 2], strict=False)
            found += (ParameterSpec(f"{n}_{place}", s, is_penalised=len(s) > 1) for n, s in named)
        return tuple(found)

    def places(self, layer: Layer) -> Iterator[tuple[str, Value]]:
        """Each layer and direction: the end of its parameters' names, how many features come in."""
        ends = ("", "_reverse")[: directions(layer)]
        width = layer["units"] * (1 if is_top(layer) else len(ends))
        for number, end in pairs(range(layer["layers"].number), ends):
            yield f"l{number}{end}", width if number else layer.input.features

    def multiply_adds(self, layer: Layer) -> Value:
        """One for each number of the weights, at each step."""
        weights = (p.shape for p in self.parameters(layer) if p.is_penalised)
        numbers = sum((product(shape) for shape in weights), constant(0))
        return layer.input.shape[0] * numbers

    def kept_inside(self, layer: Layer) -> Value:
        """The gates and one number more of each state, and what lower layers hand up."""
        gates = self.gates + 1 if self.gates > 1 else 0
        states = layer.input.shape[0] * directions(layer) * layer["units"]
        return states * (layer["layers"] * (gates + 1) - 1)

    def draws_random(self, layer: Layer) -> bool:
        """Whether there is dropout between layers."""
        return layer["layers"].number > 1 and layer["dropout"].plain != 0

    # ------------------------------------------------------------ code

    def features(self, layer: Layer) -> frozenset[str]:
        """What the classes must do."""
        layers = layer["layers"].number
        asked = {
            "layers": layers > 1,
            "onward": directions(layer) == 1,
            "bidirectional": directions(layer) == 2,
            "each": directions(layer) == 2 and not is_top(layer),
            "top": is_top(layer),
            "dropout": self.draws_random(layer),
            "no_dropout": layers > 1 and not self.draws_random(layer),
            "no_bias": not layer["bias"].plain,
            "states": len(layer.outputs) > 1,
            "padded": layer.is_padded,
            "whole": not layer.is_padded,
        }
        words = {word for word, is_asked in asked.items() if is_asked}
        return frozenset(words.union(layer.tensors))

    def classes(self, layer: Layer) -> list[str]:
        """The classes that a layer is made of, each of the one before; the last is its own."""
        forms = {"Bidirectional": directions(layer) == 2, "Stacked": layer["layers"].number > 1}
        found = [self.kernel_name(layer)]
        for form in reversed(forms) if is_top(layer) else forms:
            if forms[form]:
                found.append(f"{form}{found[-1]}")
        return found

    def parts(self, layer: Layer) -> Sequence[str]:
        """All but the last of the classes."""
        return self.classes(layer)[:-1]

    def construct(self, layer: Layer) -> Construction:
        """`GRU(in_features, units)`, `StackedGRU(in_features, units, layers, …)`."""
        positional = [layer.input.features.term, layer["units"].term]
        if layer["layers"].number > 1:
            positional.append(layer["layers"].term)
        keywords = given(layer, "bias", "dropout")
        return Construction(self.classes(layer)[-1], tuple(positional), keywords)


def _state(site: Site) -> TensorType:
    """A state of all layers and directions."""
    return TensorType((site["layers"] * directions(site), site["units"]))


def _check_options(site: Site) -> None:
    """Fail (E0321) where an argument would have no effect."""
    if site["dropout"].plain != 0 and site["layers"].number == 1:
        raise site.fail(
            "E0321",
            f"`dropout` of `{site.op.name}` needs at least 2 layers, gets 1",
            "nothing is left out",
            argument="dropout",
            cause=None,
            note="it lies between two layers, not behind the last",
            help=f"put `dropout({site['dropout'].plain})` behind it",
        )
    if site["join"].plain == "top" and not site["bidirectional"].plain:
        raise site.fail(
            "E0321",
            f"`join` of `{site.op.name}` needs two directions, gets one",
            "there is nothing to join",
            argument="join",
            cause=None,
            help="write `bidirectional=true`",
        )


def _check_state(site: Site, name: str, given: TensorType) -> None:
    """Fail (E0322) unless a state that is given fits the layers."""
    needed = _state(site)
    if given.shape == needed.shape and not given.padded:
        return
    if given.padded:
        raise site.fail(
            "E0322",
            f"`{name}` of `{site.op.name}` needs {needed}, gets a padded sequence",
            "a state has no lengths",
            argument=name,
            cause=site.positions[name],
        )
    factors = " * ".join(str(n) for n in (site["layers"], directions(site)))
    raise site.fail(
        "E0322",
        f"`{name}` of `{site.op.name}` needs {needed}, gets {given}",
        "a state of another shape",
        argument=name,
        cause=site.positions[name],
        note=f"it has a row for each layer and direction: {factors} = {needed.shape[0]}",
        help=_fitting(site, given),
    )


def _fitting(site: Site, state: TensorType) -> str:
    """Arguments with which a state would fit, if there are such."""
    units, is_both = state.features.plain, bool(site["bidirectional"].plain)
    for both in (is_both, not is_both):
        result = site.try_with(units=units, bidirectional=both) if isinstance(units, int) else None
        if result is not None:
            words = [f"units={units}"] * (units != site["units"].plain)
            words += [f"bidirectional={str(both).lower()}"] * (both != is_both)
            return f"with `{', '.join(words)}` the result is {result}"
    fits = product(state.shape) == product(_state(site).shape)
    return f"`reshape({_state(site)})` makes it fit" if fits else ""
