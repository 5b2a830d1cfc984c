"""What a layer of the language has to say about itself.

One file of this package is one layer, loss or join; a subclass of `LayerOp`, `FunctionOp` or
`LossOp` in it is found by `specc.ops.registry` without being listed anywhere. Its NumPy code is
`templates/numpy/<name>.py.j2`. See CONTRIBUTING, "Add a layer".
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import ClassVar

from specc.graph import Layer, Tensor
from specc.ops.site import Site
from specc.signature import Argument
from specc.source import Span
from specc.terms import Term, render, substitute
from specc.types import TensorType
from specc.values import Value


@dataclass(frozen=True, slots=True)
class ParameterSpec:
    """A learned array, in PyTorch's name and layout, or running statistics (`is_buffer`)."""

    name: str
    shape: tuple[Value, ...]
    is_buffer: bool = False
    is_penalised: bool = False


@dataclass(frozen=True, slots=True)
class Construction:
    """How a layer is constructed in the code that is written: `Conv2d(1, 6, 5, pad=2)`."""

    kernel: str
    positional: tuple[Term, ...] = ()
    keywords: Mapping[str, Term] = field(default_factory=dict)

    @property
    def terms(self) -> tuple[Term, ...]:
        """All arguments."""
        return (*self.positional, *self.keywords.values())

    def arguments(self, names: Mapping[str, Term]) -> list[str]:
        """The arguments as source, with `names` put in."""
        made = self.with_names(names)
        keywords = [f"{name}={render(term)}" for name, term in made.keywords.items()]
        return [*map(render, made.positional), *keywords]

    def with_names(self, names: Mapping[str, Term]) -> Construction:
        """The same with `names` put in."""
        keywords = {k: substitute(term, names) for k, term in self.keywords.items()}
        return Construction(
            self.kernel, tuple(substitute(term, names) for term in self.positional), keywords
        )


@dataclass(frozen=True, slots=True)
class Sample:
    """A call that tests try: `Sample("conv(4, 3)", (3, 8, 8))`; a shape or declaration an input.

    `inputs` are declarations, `"real[3, 8, 8]"`; `target` is that of a loss's target,
    `"label of 3"`. Tensor arguments are the inputs behind the first, `x1`, `x2`, …; the mask of a
    loss is `m`.
    """

    call: str
    inputs: tuple[str, ...]
    target: str = ""

    def __init__(self, call: str, *inputs: tuple[int, ...] | str, target: str = "") -> None:
        declared = (i if isinstance(i, str) else f"real{list(i)}" for i in inputs)
        object.__setattr__(self, "call", call)
        object.__setattr__(self, "inputs", tuple(declared))
        object.__setattr__(self, "target", target)


class Op(ABC):
    """A layer, join or loss of the language.

    Attributes:
        name: as it is written in a spec.
        family: the heading under which the reference lists it.
        arguments: its signature, in order.
        input_count: how many tensors it takes; `None` for any number (a join).
        sources: papers and documents, for the reference and the emitted docstrings.
        keeps_input, keeps_output: whether its backward pass reads them, so that nobody
            may overwrite them before it has run.
        is_view: whether its results may share memory with its input.
        optional_results: the names of results behind the first, which are there only where
            the spec names them: `as (sequence, hidden)`.
        respects_lengths: whether padded sequences come with their lengths, as the last tensor
            argument, `lengths`.
        carries_state: whether it can begin where its last pass ended.
        passes_gradient: whether its result depends on its input.
    """

    name: ClassVar[str]
    family: ClassVar[str]
    arguments: ClassVar[tuple[Argument, ...]] = ()
    input_count: ClassVar[int | None] = 1
    sources: ClassVar[str] = ""
    samples: ClassVar[tuple[Sample, ...]] = ()
    keeps_input: ClassVar[bool] = False
    keeps_output: ClassVar[bool] = False
    is_view: ClassVar[bool] = False
    optional_results: ClassVar[tuple[str, ...]] = ()
    respects_lengths: ClassVar[bool] = False
    carries_state: ClassVar[bool] = False
    passes_gradient: ClassVar[bool] = True

    @abstractmethod
    def infer(self, site: Site) -> TensorType:
        """The type of the first result; raises `site.fail(…)` where the layer does not fit."""

    def infer_results(self, site: Site) -> tuple[TensorType, ...]:
        """The types of all results."""
        return (self.infer(site),)

    def draws_random(self, layer: Layer) -> bool:
        """Whether it draws random numbers while training, as `Dropout` does."""
        return False

    def features(self, layer: Layer) -> frozenset[str]:
        """What this use asks of the op's template, in words that the two agree on."""
        return frozenset()

    def parameters(self, layer: Layer) -> tuple[ParameterSpec, ...]:
        """The learned arrays, in PyTorch's order."""
        return ()

    def multiply_adds(self, layer: Layer) -> Value:
        """Multiply-adds of one forward pass for one example."""
        return Value(0, 0)

    def kept_inside(self, layer: Layer) -> Value:
        """How many numbers its backward pass needs for one example beside input and output."""
        return Value(0, 0)

    @abstractmethod
    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """The gradients of the inputs, as tensors of the gradient graph."""

    def gradients(
        self, layer: Layer, d_outputs: Sequence[Tensor | None], graph: GradientGraph
    ) -> tuple[Tensor, ...]:
        """The same for all results; `None` is an optional one's that nobody uses."""
        (d_output,) = d_outputs
        assert d_output is not None
        return self.gradient(layer, d_output, graph)

    @abstractmethod
    def pytorch(self, layer: Layer) -> str:
        """The same in PyTorch, the oracle of the tests, in the public layout.

        An expression over `x` (or `x0, x1, …`), the parameters by name, whether this is
        `training`, and, for a loss, `target`.
        """


class GradientGraph(ABC):
    """What gradient rules build with; `specc.differentiate` implements it."""

    @abstractmethod
    def layer_backward(self, layer: Layer, *d_outputs: Tensor | None) -> tuple[Tensor, ...]:
        """`d_x = self.conv1.backward(d_y)`."""

    @abstractmethod
    def function(self, name: str, *arguments: Tensor) -> Tensor:
        """`d_x = relu_backward(d_y, y)`; the last use of `d_y` may be overwritten."""

    @abstractmethod
    def negative(self, gradient: Tensor) -> Tensor:
        """`d_x = -d_y`."""

    @abstractmethod
    def product(self, *factors: Tensor) -> Tensor:
        """`d_x = d_y * a * b`."""


class ExpressionOp(Op):
    """What is written as an expression in PyTorch: `x.flatten(1)`."""

    @abstractmethod
    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """The layer applied to variables, in the public layout."""


class LayerOp(Op):
    """A layer that is an object in the code: it has parameters, attributes or arrays of its own.

    In PyTorch it is an `nn.Module`, too, or an expression: `ModuleOp`, `ExpressionOp`.

    Attributes:
        returns_view_of_gradient: whether `backward` may return memory of its argument.
        works_in_place: whether `backward(d_y, in_place=True)` works in the memory of d_y.
    """

    returns_view_of_gradient: ClassVar[bool] = False
    works_in_place: ClassVar[bool] = False

    @abstractmethod
    def construct(self, layer: Layer) -> Construction:
        """Its class and constructor arguments, defaults left out."""

    def construct_as(self, layer: Layer, kernel: str) -> Construction:
        """The same with the class that `kernel(layers)` chose for all instances of the place."""
        return replace(self.construct(layer), kernel=kernel)

    def kernel(self, layers: Sequence[Layer]) -> str:
        """The class for a place whose instances are `layers`: a special one if all allow it."""
        kernels = {self.construct(layer).kernel for layer in layers}
        return kernels.pop() if len(kernels) == 1 else self.general_kernel

    def parts(self, layer: Layer) -> Sequence[str]:
        """The further classes of its template, which its own is made of."""
        return ()

    @property
    def general_kernel(self) -> str:
        """The class that can do every case, where there are several; else empty."""
        return ""

    def torch_layer(self, layer: Layer) -> Construction:
        """The class with a backward pass of its own that PyTorch code has where it is explicit."""
        return self.construct(layer)

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """The layer's own `backward`."""
        return graph.layer_backward(layer, d_output)

    def gradients(
        self, layer: Layer, d_outputs: Sequence[Tensor | None], graph: GradientGraph
    ) -> tuple[Tensor, ...]:
        """The layer's own `backward`, of all results that are used."""
        return graph.layer_backward(layer, *d_outputs)


class ModuleOp(LayerOp):
    """A layer that is an `nn.Module` in PyTorch, or a class of ours that is one."""

    @abstractmethod
    def torch_module(self, layer: Layer) -> Construction:
        """The module, defaults left out."""

    def torch_layer(self, layer: Layer) -> Construction:
        """A class that is based on the module, under the same name."""
        made = self.torch_module(layer)
        return replace(made, kernel=made.kernel.removeprefix("nn."))


class FunctionOp(ExpressionOp):
    """An elementwise function without arguments: `y = relu(x)`, `d_x = relu_backward(d_y, y)`.

    `backward_needs` is "input" or "output": what the derivative is written with;
    `torch_function` is its name in PyTorch.
    """

    family = "activation"
    backward_needs: ClassVar[str] = "output"
    torch_function: ClassVar[str] = ""

    @property
    def function_name(self) -> str:
        """What the function is called in the code; not always as in the spec."""
        return self.name

    @property
    def has_kernel(self) -> bool:
        """Whether a template has its source; arithmetic needs none."""
        return True

    def expression(self, layer: Layer, inputs: Sequence[str], place: int | None) -> str:
        """The function applied to variables; `place` is the input that it may overwrite."""
        out = "" if place is None else f", out={inputs[place]}"
        return f"{self.function_name}({', '.join(inputs)}{out})"

    def torch_expression(self, layer: Layer, inputs: Sequence[str]) -> str:
        """`F.relu(x)`."""
        return f"{self.torch_function}({', '.join(inputs)})"

    def infer(self, site: Site) -> TensorType:
        """The shape stays."""
        site.require_real()
        return site.input

    def gradient(self, layer: Layer, d_output: Tensor, graph: GradientGraph) -> tuple[Tensor, ...]:
        """The function's `_backward`."""
        kept = layer.inputs[0] if self.backward_needs == "input" else layer.outputs[0]
        return (graph.function(f"{self.function_name}_backward", d_output, kept),)


class LossOp(ExpressionOp, LayerOp):
    """A loss: takes a prediction and a target, gives a number.

    The inputs proper of its layer are the prediction and the target.
    `applies` names the activation that the loss applies itself, where there is one, `function` the
    one that leaves out the steps of padded sequences.
    `is_decided_by_sign`: a single prediction above 0 stands for the label 1.
    """

    family = "loss"
    applies: ClassVar[str] = ""
    function: ClassVar[str] = ""
    is_decided_by_sign: ClassVar[bool] = False

    @abstractmethod
    def check_target(self, site: Site, target: TensorType, declared: Span) -> None:
        """Raise `site.fail(…)` where prediction and target do not fit."""

    def given(self, layer: Layer, inputs: Sequence[str]) -> list[str]:
        """What it is called with, from the variables of its inputs."""
        return list(inputs)

    def infer(self, site: Site) -> TensorType:
        """A single number; the fit with the target is checked by `check_target`."""
        return TensorType(())
