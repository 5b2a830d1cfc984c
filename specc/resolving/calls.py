"""What calls call, and which argument is which."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace

from specc import syntax
from specc.diagnostics import Diagnostic, Label
from specc.model import Callee
from specc.ops.base import LossOp, Op
from specc.ops.registry import layers, losses
from specc.resolving.names import NameResolver, means
from specc.scope import Means, Scope
from specc.signature import bind
from specc.suggest import closest, did_you_mean

UNBUILT = ("attention", "transpose")
"""Layers of the language that this version does not have yet."""

_LONG = 70
"""A longer text is not shown once more as a help."""


class CallResolver(NameResolver, ABC):
    """Resolves the calls and losses of one file.

    Attributes:
        states: those of the cell whose body is resolved; none elsewhere.
    """

    states: tuple[syntax.Stated, ...] = ()

    @abstractmethod
    def body(self, body: syntax.Body, scope: Scope, is_net: bool = False) -> None:
        """Resolve the statements of a body; a path has one."""

    def shared(self, statement: syntax.Shared, scope: Scope) -> None:
        """`shared enc = …`: a layer or block, not a join with its paths or another instance."""
        call = statement.call
        self.call(call, scope)
        callee = self.model.callees.get(call.span)
        is_instance = isinstance(callee, str)
        tensors = _declared(callee)[2] if callee is not None else set()
        handed = tensors & self.model.arguments.get(call.span, {}).keys()
        what, help = "", ""
        if is_instance:
            what = "a shared instance already"
        elif call.paths is not None:
            what, help = "a join with its own paths", "put the join into a block, and share that"
        elif handed:
            what = f"handed the tensor `{min(handed)}`, for all of its uses"
        if what:
            message = "`shared` needs a layer or a block"
            self.report(
                Diagnostic("E0121", message, Label(call.span, f"this is {what}"), help=help)
            )

    def call(self, call: syntax.Call, scope: Scope) -> None:
        """Bind a call to what it calls, its arguments to parameters; its paths are bodies."""
        callee = self._callee(call, scope)
        for path in call.paths or ():
            self.body(path.body, scope)
        if callee is None:
            for argument in call.arguments:
                self.expression(argument.value, scope, choices=("",))
            return
        self.model.callees[call.span] = callee
        self._arguments(call, callee, scope)
        takes_paths = isinstance(callee, Op) and callee.input_count is None
        if call.paths is not None and not takes_paths:
            joins = [n for n, op in layers().items() if op.input_count is None]
            self.report(
                Diagnostic(
                    "E0206",
                    f"`{call.name}` takes no paths",
                    Label(call.paths[0].span if call.paths else call.span, "not here"),
                    note="the layers that join paths: " + ", ".join(f"`{j}`" for j in joins),
                )
            )

    def _callee(self, call: syntax.Call, scope: Scope) -> Callee | None:
        binding = scope.peek(call.name)
        if binding is not None and binding.means is Means.SHARED:
            scope.find(call.name)
            if isinstance(call, syntax.Scan):
                self._report_scan(call, "shared instance", Label(binding.span, "shared here"))
            return call.name
        known = layers()
        block = self.names.blocks.get(call.name)
        if block is not None and call.name in known:
            return None  # the block cannot have that name, which is said where it is defined
        found: Callee | None = block or known.get(call.name)
        if found is None:
            self._report_unknown_layer(call, scope)
        elif isinstance(call, syntax.Scan) != isinstance(found, syntax.Cell):
            what = found.word if isinstance(found, syntax.Block) else "layer"
            at = _definition(found) if isinstance(found, syntax.Block) else None
            self._report_scan(call, what, at)
        return found

    def _report_scan(self, call: syntax.Call, what: str, at: Label | None) -> None:
        """A cell is called with `scan`, and nothing else is."""
        written = call.span.source.text[call.name_span.start : call.span.end]
        if isinstance(call, syntax.Scan):
            message, label = f"`scan` needs a cell, gets the {what} `{call.name}`", "not a cell"
        else:
            message, label = f"`{call.name}` is a cell and needs `scan`", "a step, of what?"
            written = "" if self.states else f"scan {written}"  # one step has nothing to scan
        is_short = 0 < len(written) < _LONG and call.paths is None
        help = f"write `{written}`" if is_short else ""
        help = _as_cell(self.names.blocks.get(call.name)) or help
        self.report(Diagnostic("E0122", message, Label(call.name_span, label), at, help=help))

    def _report_unknown_layer(self, call: syntax.Call, scope: Scope) -> None:
        is_scan = isinstance(call, syntax.Scan)
        shared = [n for n in scope.visible() if means(scope, n) is Means.SHARED]
        cells = [n for n, block in self.names.blocks.items() if isinstance(block, syntax.Cell)]
        known = cells if is_scan else [*layers(), *self.names.blocks, *shared]
        guess = closest(call.name, known)
        if call.name in losses():
            help_ = f"a loss is written `loss {call.name}`"
        elif call.name in UNBUILT:
            self.report(
                Diagnostic(
                    "E0108",
                    f"the layer `{call.name}` is not built yet",
                    Label(call.name_span, "this version does not have it"),
                )
            )
            return
        elif means(scope, call.name) in (Means.TENSOR, Means.TAP):
            scope.find(call.name)
            help_ = f"`{call.name}` is a tensor: `from {call.name}` makes it current"
        elif self.names.is_partial:
            return  # the import that failed is the error
        else:
            help_ = f"did you mean `{guess}`?" if guess else ""
        self.report(
            Diagnostic(
                "E0101",
                f"there is no {'cell' if is_scan else 'layer or block'} `{call.name}`",
                Label(call.name_span, "unknown"),
                help=help_,
            )
        )

    def loss(self, step: syntax.Loss, scope: Scope) -> None:
        """Bind the arguments of a loss."""
        op = losses().get(step.name)
        if op is None:
            self.report(
                Diagnostic(
                    "E0101",
                    f"there is no loss `{step.name}`",
                    Label(step.name_span, "unknown"),
                    note="the losses: " + ", ".join(f"`{n}`" for n in losses()),
                    help=did_you_mean(step.name, losses()),
                )
            )
            return
        self._arguments(step, op, scope)

    def _arguments(self, node: syntax.Call | syntax.Loss, callee: Callee, scope: Scope) -> None:
        """Match the arguments of a call or loss with the parameters of what it calls."""
        declared, at, tensors, choices = _declared(callee)

        def report(found: Diagnostic) -> None:
            self.report(replace(found, help=found.help or _as_next_layer(node, found)))

        bound = bind(node.name, node.span, node.name_span, declared, node.arguments, report, at)
        self.model.arguments[node.span] = bound
        for name, expression in bound.items():
            tensor = f"`{name}` of `{node.name}`" if name in tensors else ""
            is_loss = isinstance(node, syntax.Loss)
            self._argument(tensor, choices.get(name, ()), expression, scope, is_loss)

    def _argument(
        self,
        tensor: str,
        choices: tuple[str, ...],
        expression: syntax.Expression,
        scope: Scope,
        is_loss: bool,
    ) -> None:
        """An argument's value; `tensor` is what to call one that needs a tensor's name."""
        if not tensor:
            self.expression(expression, scope, choices=choices)
            return
        reference = syntax.Reference.of(expression)
        if reference is None:
            is_zero = expression.span.text in ("0", "0.0")
            self.report(
                Diagnostic(
                    "E0207",
                    f"{tensor} needs the name of a tensor",
                    Label(expression.span, "this is none"),
                    help="" if is_loss or not is_zero else "leave it out: it begins with zeros",
                )
            )
            return
        self.reference(reference, scope, targets=is_loss)


def _definition(block: syntax.Block) -> Label:
    return Label(block.name_span, f"the {block.word} is defined here")


def _as_cell(block: syntax.Block | None) -> str:
    """What makes a cell of a block of several inputs, which gets its states like other tensors."""
    if block is None or isinstance(block, syntax.Cell):
        return ""
    declared = (s.names for s in block.body.statements if isinstance(s, syntax.Input))
    _, *states = [d.name for names in declared for d in names] or [""]
    if not states:
        return ""
    stated = ", ".join(f"{name}: […]" for name in states)
    inputs = f"the input{'s' * (len(states) > 1)} " + ", ".join(f"`{name}`" for name in states)
    return f"declare it as `cell`, with `state {stated}` in place of {inputs}"


def _as_next_layer(node: syntax.Call | syntax.Loss, found: Diagnostic) -> str:
    """The help for `dense(10, activation="relu")`: the activation is a layer of its own."""
    text = node.span.source.text[: node.span.start].rstrip()
    if not isinstance(node, syntax.Call) or node.paths is not None or text.endswith("="):
        return ""
    wrong = [a for a in node.arguments if a.name_span == found.primary.span]
    if len(wrong) != 1 or wrong[0].name not in ("activation", "nonlinearity"):
        return ""
    value = wrong[0].value
    word = value.id if isinstance(value, syntax.Name) else None
    word = str(value.value) if isinstance(value, syntax.Literal) else word
    op = layers().get(word or "")
    if op is None or op.input_count != 1 or any(a.is_required for a in op.arguments):
        return ""
    rest = ", ".join(a.span.text for a in node.arguments if a is not wrong[0])
    return f"write `{node.name}{f'({rest})' if rest else ''} -> {op.name}`"


def _declared(
    callee: Callee,
) -> tuple[list[tuple[str, bool]], Label | None, set[str], dict[str, tuple[str, ...]]]:
    """The arguments of a callee as `(name, is required)`, and where they are declared.

    Also which of them are tensors, and the bare words that each accepts.
    """
    if isinstance(callee, str):
        return [], None, set(), {}
    if isinstance(callee, syntax.Block):
        parameters = [(p.name, p.default is None) for p in callee.parameters]
        states = [s.name for s in callee.states] if isinstance(callee, syntax.Cell) else []
        parameters += [(name, False) for name in states]
        return parameters, _definition(callee), set(states), {}
    declared = [(a.name, a.is_required) for a in callee.arguments]
    tensors = {a.name for a in callee.arguments if a.kind.tensor}
    if isinstance(callee, LossOp):
        declared.append(("target", False))
        tensors.add("target")
    choices = {a.name: a.kind.choices for a in callee.arguments if a.kind.choices}
    return declared, None, tensors, choices
