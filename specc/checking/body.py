"""Walking the statements of one body, with its numbers known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from specc import syntax
from specc.checking import calls, losses
from specc.checking.cells import State, set_state
from specc.checking.elaborator import Broken, Elaborator
from specc.checking.names import Names, SharedInstance, Taps
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError, evaluate, fail, number, truth
from specc.graph import Call, Layer, Node, Scan, Tensor
from specc.source import Span
from specc.types import TensorType
from specc.values import Value


class Body(Names):
    """One body being walked: its names, its nodes so far, and the current tensor(s).

    `symbols` are the constructor arguments of its class, with their values here. A loop's body
    notes its `taps` for the loop to hand out, and the shared instances that it has `borrowed`.
    `optional` are results of the last layer that are there only if the next step names them.
    A cell's body notes what its `states` will be in the next step.
    """

    def __init__(
        self,
        elaborator: Elaborator,
        symbols: Mapping[str, Value],
        inputs: tuple[Tensor, ...],
        current: tuple[Tensor, ...],
        *,
        is_loop: bool = False,
    ) -> None:
        super().__init__(elaborator, inputs, current)
        self.symbols = dict(symbols)
        self.nodes: list[Node] = []
        self.outputs: tuple[Tensor, ...] | None = None
        self.output_span: Span | None = None
        self.losses: list[Layer] = []
        self.targets: dict[str, Tensor] = {}
        self.taps: dict[str, tuple[int, Tensor]] = {}
        self.borrowed: list[str] = []
        self.decisions: list[tuple[str, bool]] = []
        self.optional: tuple[Tensor, ...] = ()
        self.states: dict[str, State] = {}
        self.is_loop = is_loop

    def run(self, body: syntax.Body) -> None:
        """All statements in order; an error breaks off its statement only."""
        for statement in body.statements:
            try:
                self.statement(statement)
            except EvaluationError as error:
                self.elaborator.report(error.diagnostic)
                self.break_off()
            except Broken:
                self.break_off()

    def break_off(self) -> None:
        """After an error: the current tensor is not known, until `from` names another."""
        self.is_broken = True
        self.current = ()

    def statement(self, statement: syntax.Statement) -> None:
        """One statement."""
        match statement:
            case syntax.Flow():
                for step in statement.steps:
                    self.step(step)
            case syntax.Let():
                self.names[statement.name] = evaluate(statement.value, self.environment)
            case syntax.Shared():
                self.names[statement.name] = SharedInstance(statement.call, self, statement.name)
            case syntax.Output():
                self.output(statement)
            case syntax.Input() | syntax.State() | syntax.Target():
                pass  # declared when the body began

    def output(self, statement: syntax.Output) -> None:
        """`output a, b`."""
        if self.output_span is not None:
            raise EvaluationError(
                Diagnostic(
                    "E0407",
                    "a body has one `output`",
                    Label(statement.span, "a second one"),
                    Label(self.output_span, "the first is here"),
                    help="list all results in one `output`",
                )
            )
        self.output_span = statement.span
        self.outputs = tuple(self.tensor(r) for r in statement.references)

    def step(self, step: syntax.Step) -> None:
        """One step of a flow."""
        self.elaborator.spend(1, step.span)
        if isinstance(step, syntax.As):
            self.name_results(step)
        else:
            self.optional = ()
            self._step(step)

    def _step(self, step: syntax.Step) -> None:
        match step:
            case syntax.Call():
                calls.call(self, step)
            case syntax.From():
                self.current = tuple(self.tensor(r) for r in step.references)
            case syntax.NextState():
                set_state(self, step)
            case syntax.If():
                holds = truth(step.condition, self.environment)
                self.decisions.append((" ".join(step.condition.span.text.split()), holds))
                arm = step.then if holds else step.otherwise
                if arm is not None:
                    self.run(arm)
            case syntax.Loss():
                losses.loss(self, step)
            case syntax.Repeat() | syntax.For():
                from specc.checking.loops import run_loop  # it walks bodies in its turn

                run_loop(self, step)

    def name_results(self, step: syntax.As) -> None:
        """`as x`, `as (a, b)`, `as tap[i]`."""
        self.need_current()
        if self.optional and len(step.references) > 1:
            self._add_optional()
        if len(step.references) != len(self.current):
            self.elaborator.diagnostics.withdraw("W0102", step.span)
            raise EvaluationError(
                Diagnostic(
                    "E0304",
                    f"`as` names {_count(len(step.references), 'tensor')}, "
                    f"there {'is' if len(self.current) == 1 else 'are'} {len(self.current)}",
                    Label(step.span, "these names"),
                    Label(self.current[-1].span, "made here"),
                    help=self._with_skips(step, len(self.current)),
                )
            )
        for reference, tensor in zip(step.references, self.current, strict=True):
            if reference.index is not None:
                self._name_tap(reference, reference.index, tensor)
            elif reference.name != "_":
                self.names[reference.name] = tensor
                self.rename(tensor, reference.name)
        if len(self.current) > 1:
            self.current = self.current[:1]

    def _with_skips(self, step: syntax.As, count: int) -> str:
        """An `as` with as many names as there are results, unless one too many is used."""
        used = set(self.model.bound_at.values())
        if any(reference.span in used for reference in step.references[count:]):
            return ""
        names = [reference.span.text for reference in step.references[:count]]
        listed = ", ".join(names + ["_"] * (count - len(names)))
        return f"write `as ({listed})`" if count > 1 else f"write `as {listed}`"

    def results(
        self, name: str, types: Sequence[TensorType], optional: Sequence[str], span: Span
    ) -> tuple[Tensor, ...]:
        """The tensors that a layer or cell makes; those that are `optional` wait to be named."""
        words = [name, *(f"{name}_{word}" for word in optional)]
        if not optional and len(types) > 1:
            words = [f"{name}_{position}" for position in range(len(types))]
        made = tuple(Tensor(w, type_, span) for w, type_ in zip(words, types, strict=True))
        count = 1 if optional else len(made)
        for tensor in made[:count]:
            tensor.name = self.unique(tensor.name)
        self.optional = made[count:]
        return made[:count]

    def _add_optional(self) -> None:
        """The last layer gives its optional results, too: they are about to be named."""
        layer = self.nodes[-1]
        assert isinstance(layer, Layer | Scan)
        for tensor in self.optional:
            tensor.name = self.unique(tensor.name)
        layer.outputs += self.optional
        self.current, self.optional = layer.outputs, ()

    def rename(self, tensor: Tensor, name: str) -> None:
        """Call a tensor of this body in the code as the spec does; a tap is part of a list."""
        is_own = any(tensor in node.outputs for node in self.nodes[-1:])
        if is_own and tensor.name != name and "[" not in tensor.name:
            self.taken.discard(tensor.name)
            tensor.name = self.unique(name)

    def _name_tap(self, reference: syntax.Reference, index: syntax.Expression, t: Tensor) -> None:
        position = number(evaluate(index, self.environment), index.span, "an index")
        if not self.is_loop:
            taps = self.names.setdefault(reference.name, Taps(reference.span))
            assert isinstance(taps, Taps)
            self.add_tap(taps, position, t, reference)
            return
        if reference.name in self.taps:
            raise fail(
                "E0113",
                f"`{reference.name}` is tapped twice in one round",
                reference.span,
                "again",
                second=Label(self.taps[reference.name][1].span, "first this was tapped"),
            )
        self.taps[reference.name] = (position, t)

    def add_tap(self, taps: Taps, position: int, tensor: Tensor, at: syntax.Reference) -> None:
        """Put a tensor under an index that is still free."""
        if position in taps.tensors:
            raise EvaluationError(
                Diagnostic(
                    "E0102",
                    f"the name `{at.name}[{position}]` is bound twice",
                    Label(at.span, "bound again here"),
                    Label(taps.tensors[position].span, "first bound to this"),
                )
            )
        taps.tensors[position] = tensor

    # ------------------------------------------------------------ calls

    def need_current(self) -> None:
        """Stop quietly where the current tensor is unknown because of an earlier error."""
        if not self.current:
            raise Broken

    def shared(self, name: str) -> SharedInstance:
        """A shared instance, of this body or one around it."""
        shared = self.names[name]
        assert isinstance(shared, SharedInstance)
        return shared

    def borrow(self, name: str) -> None:
        """Note a shared instance as `borrowed` if it belongs to a body around this one."""
        if self.shared(name).owner is not self and name not in self.borrowed:
            self.borrowed.append(name)

    def add(self, node: Layer | Call) -> None:
        """Append a node; its results become current."""
        self.nodes.append(node)
        self.current = node.outputs


def _count(number_: int, noun: str) -> str:
    return f"{number_} {noun}{'' if number_ == 1 else 's'}"
