"""Resolve: bind every name of a program to what it names.

Works on the text alone: no expression is evaluated and both arms of every `if` are read, so a
misspelt name is found wherever it stands.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from specc import syntax
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.imports import Importer, rebound
from specc.model import Callee, Model, Names
from specc.ops.base import LossOp, Op
from specc.ops.registry import layers, losses
from specc.scope import Binding, Means, Scope
from specc.signature import bind
from specc.source import Span
from specc.suggest import closest
from specc.words import FUNCTIONS, is_usable_label

UNBUILT = {
    name: "a later version"
    for name in (
        "batchnorm", "layernorm", "conv1d", "conv_transpose", "embedding", "one_hot", "rnn",
        "lstm", "gru", "last", "reverse", "attention", "transpose",
    )
}  # fmt: skip
"""Layers of the language that this version does not have yet."""


def resolve(
    program: syntax.Program, diagnostics: Diagnostics, allow_imports: bool = False
) -> Model:
    """Bind the names of a program and of all that it imports.

    Problems go to `diagnostics`; the model is complete only if there is no error among them.
    """
    model = Model(program)
    Importer(model, diagnostics, allow_imports).load(program)
    for names in model.files.values():
        _Resolver(model, names, diagnostics).file()
    _warn_unused_blocks(model, diagnostics)
    _check_nets(model, diagnostics)
    return model


def _check_nets(model: Model, diagnostics: Diagnostics) -> None:
    seen: dict[str, Span] = {}
    for net in model.nets:
        if net.name in seen:
            diagnostics.add(rebound(net.name, net.name_span, seen[net.name]))
        seen[net.name] = net.name_span


def _warn_unused_blocks(model: Model, diagnostics: Diagnostics) -> None:
    if not model.nets:
        return  # a library: others use its blocks
    called = {id(c) for c in model.callees.values() if isinstance(c, syntax.Block)}
    for item in model.program.items:
        is_layer = isinstance(item, syntax.Block) and item.name in layers()  # said already
        if isinstance(item, syntax.Block) and id(item) not in called and not is_layer:
            diagnostics.add(
                Diagnostic(
                    "W0101",
                    f"the block `{item.name}` is never used",
                    Label(item.name_span, "defined here"),
                    help="remove it, or move it to a file of its own for others to import",
                )
            )


class _Resolver:
    """Walks the bodies of one file."""

    def __init__(self, model: Model, names: Names, diagnostics: Diagnostics) -> None:
        self.model = model
        self.names = names
        self.report = diagnostics.add
        self.source = next(s for s, n in model.files.items() if n is names)

    def file(self) -> None:
        """Resolve the blocks and nets of the file."""
        top = Scope()
        for let in self.names.lets.values():
            if let.span.source is self.source:
                self._expression(let.value, top)
            top.bindings[let.name] = Binding(let.name, Means.VALUE, let.name_span)
        for block in self.names.blocks.values():
            if block.span.source is self.source:
                self._definition(block, top)
        if self.source is self.model.program.source:
            for net in self.model.nets:
                self._definition(net, top)

    def _definition(self, item: syntax.Block | syntax.Net, top: Scope) -> None:
        if isinstance(item, syntax.Block) and item.name in layers():
            self.report(
                Diagnostic(
                    "E0103",
                    f"`{item.name}` is a layer already",
                    Label(item.name_span, "a block cannot take its name"),
                    help=f"call the block something else, such as `{item.name}_block`",
                )
            )
        scope = top.child()
        for parameter in item.parameters:
            if parameter.default is not None:
                self._expression(parameter.default, scope)
            unused = "the parameter"
            self._bind(parameter.name, Means.VALUE, parameter.name_span, scope, unused)
        self._function_body(item.body, scope, isinstance(item, syntax.Net))

    def _function_body(self, body: syntax.Body, scope: Scope, is_net: bool = False) -> None:
        """A body with instance names of its own: of a block, a net or a loop."""
        self._name_instances(body)
        self._body(body, scope, is_net)
        for name, binding in scope.bindings.items():
            if binding.says_unused and not binding.is_used and not name.startswith("_"):
                self.report(
                    Diagnostic(
                        "W0102",
                        f"{binding.says_unused} `{name}` is never used",
                        Label(binding.span, "bound here"),
                        help=_if_unused(name, binding.means),
                    )
                )
        for loop, outer in scope.loops_outer.items():
            self.model.outer[loop] = tuple(outer)

    # ------------------------------------------------------------ instance names

    def _name_instances(self, body: syntax.Body) -> None:
        """Labels, or the name and its ordinal among all its occurrences in this body's text."""
        ordinals: Counter[str] = Counter()
        taken: dict[str, Span] = {}
        for step in _occurrences(body):
            if isinstance(step, syntax.Shared):
                self._take(step.name, step.name_span, taken)
                continue
            kind = step.name if isinstance(step, syntax.Call) else _loop_word(step)
            ordinals[kind] += 1
            if step.label is not None:
                self._take(step.label.name, step.label.span, taken)
                self.model.instances[step.span] = step.label.name
            else:
                self.model.instances[step.span] = f"{kind}{ordinals[kind]}"
        automatic = [s for s in _occurrences(body) if not isinstance(s, syntax.Shared)]
        for step in automatic:
            name = self.model.instances[step.span]
            if step.label is None and name in taken:
                self.report(rebound(name, taken[name], step.span, "a label, here"))

    def _take(self, name: str, span: Span, taken: dict[str, Span]) -> None:
        if name in taken:
            self.report(rebound(name, span, taken[name]))
        taken[name] = span
        if not is_usable_label(name):
            why = "begins with `_`" if name.startswith("_") else "is a word of the generated classes"
            self.report(
                Diagnostic(
                    "E0107",
                    f"`{name}` cannot name a layer: it {why}",
                    Label(span, "named here"),
                    help=f"call it something else, such as `{name.strip('_')}_layer`"
                    if name.strip("_")
                    else "",
                )
            )

    # ------------------------------------------------------------ statements

    def _body(self, body: syntax.Body, scope: Scope, is_net: bool = False) -> None:
        for statement in body.statements:
            match statement:
                case syntax.Flow():
                    for step in statement.steps:
                        self._step(step, scope)
                case syntax.Let():
                    self._expression(statement.value, scope)
                    self._bind(
                        statement.name, Means.VALUE, statement.name_span, scope, "the constant"
                    )
                case syntax.Input():
                    self._declare(statement.names, Means.TENSOR, scope, is_net)
                case syntax.Target():
                    self._declare(statement.names, Means.TARGET, scope, is_net)
                case syntax.Shared():
                    self._call(statement.call, scope)
                    self._bind(
                        statement.name, Means.SHARED, statement.name_span, scope, "the instance"
                    )
                case syntax.Output():
                    for reference in statement.references:
                        self._reference(reference, scope)

    def _declare(
        self, names: tuple[syntax.Declared, ...], means: Means, scope: Scope, is_net: bool
    ) -> None:
        for declared in names:
            if declared.type is not None:
                self._type(declared.type, scope)
            unused = "" if is_net or means is Means.TARGET else "the input"
            self._bind(declared.name, means, declared.name_span, scope, unused)
            first = declared is names[0] and means is Means.TENSOR
            if first and not is_net:  # the current tensor at the start
                scope.bindings[declared.name].is_used = True

    def _type(self, type_: syntax.Type, scope: Scope) -> None:
        for dimension in type_.dimensions:
            self._expression(dimension, scope, free=True)
        if type_.of is not None:
            self._expression(type_.of, scope)

    def _step(self, step: syntax.Step, scope: Scope) -> None:
        match step:
            case syntax.Call():
                self._call(step, scope)
            case syntax.From():
                for reference in step.references:
                    self._reference(reference, scope)
            case syntax.As():
                self._name_results(step, scope)
            case syntax.Repeat():
                self._expression(step.count, scope)
                self._function_body(step.body, scope.child(loop=step.body.span))
            case syntax.For():
                self._expression(step.values, scope)
                inner = scope.child(loop=step.body.span)
                self._bind(step.variable, Means.VALUE, step.variable_span, inner)
                self._function_body(step.body, inner)
            case syntax.If():
                self._if(step, scope)
            case syntax.Loss():
                self._loss(step, scope)

    def _if(self, step: syntax.If, scope: Scope) -> None:
        self._expression(step.condition, scope)
        arms = [scope.child() for _ in (step.then, step.otherwise)]
        self._body(step.then, arms[0])
        if step.otherwise is not None:
            self._body(step.otherwise, arms[1])
        for arm in arms:
            scope.absorb(arm)

    def _name_results(self, step: syntax.As, scope: Scope) -> None:
        for reference in step.references:
            if reference.name == "_":
                continue
            if reference.index is None:
                self._bind(reference.name, Means.TENSOR, reference.span, scope, "the tensor")
                continue
            self._expression(reference.index, scope)
            # A tap is handed out of its loop: it is bound around it.
            around = _around_loop(scope)
            if reference.name not in around.bindings:
                self._bind(reference.name, Means.TAP, reference.span, around, "the tap")

    # ------------------------------------------------------------ calls

    def _call(self, call: syntax.Call, scope: Scope) -> None:
        callee = self._callee(call, scope)
        for path in call.paths or ():
            self._body(path.body, scope)
        if callee is None:
            for argument in call.arguments:
                self._expression(argument.value, scope, choices=("",))
            return
        self.model.callees[call.span] = callee
        declared, at, tensors, choices = _declared(callee)
        bound = bind(
            call.name, call.span, call.name_span, declared, call.arguments, self.report, at
        )
        self.model.arguments[call.span] = bound
        for name, expression in bound.items():
            owner = f"`{name}` of `{call.name}`"
            self._argument(owner if name in tensors else "", choices.get(name, ()), expression, scope)
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
            return call.name
        known = layers()
        found: Callee | None = known.get(call.name) or self.names.blocks.get(call.name)
        if found is None:
            self._report_unknown_layer(call, scope)
        return found

    def _report_unknown_layer(self, call: syntax.Call, scope: Scope) -> None:
        shared = [n for n in scope.visible() if _means(scope, n) is Means.SHARED]
        guess = closest(call.name, [*layers(), *self.names.blocks, *shared])
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
        elif _means(scope, call.name) in (Means.TENSOR, Means.TAP):
            scope.find(call.name)
            help_ = f"`{call.name}` is a tensor: `from {call.name}` makes it current"
        elif self.names.is_partial:
            return  # the import that failed is the error
        else:
            help_ = f"did you mean `{guess}`?" if guess else ""
        self.report(
            Diagnostic(
                "E0101",
                f"there is no layer or block `{call.name}`",
                Label(call.name_span, "unknown"),
                help=help_,
            )
        )

    def _loss(self, step: syntax.Loss, scope: Scope) -> None:
        op = losses().get(step.name)
        if op is None:
            guess = closest(step.name, losses())
            self.report(
                Diagnostic(
                    "E0101",
                    f"there is no loss `{step.name}`",
                    Label(step.name_span, "unknown"),
                    note="the losses: " + ", ".join(f"`{n}`" for n in losses()),
                    help=f"did you mean `{guess}`?" if guess else "",
                )
            )
            return
        declared, at, tensors, choices = _declared(op)
        bound = bind(
            step.name, step.span, step.name_span, declared, step.arguments, self.report, at
        )
        self.model.arguments[step.span] = bound
        for name, expression in bound.items():
            owner = f"`{name}` of `{step.name}`"
            self._argument(owner if name in tensors else "", choices.get(name, ()), expression, scope)

    def _argument(
        self,
        tensor: str,
        choices: tuple[str, ...],
        expression: syntax.Expression,
        scope: Scope,
    ) -> None:
        """An argument's value; `tensor` is what to call one that needs a tensor's name."""
        if not tensor:
            self._expression(expression, scope, choices=choices)
            return
        if not isinstance(expression, syntax.Name):
            self.report(
                Diagnostic(
                    "E0207",
                    f"{tensor} needs the name of a tensor",
                    Label(expression.span, "this is none"),
                )
            )
            return
        self._tensor(expression.id, expression.span, scope, targets=True)

    # ------------------------------------------------------------ names

    def _reference(self, reference: syntax.Reference, scope: Scope) -> None:
        if reference.index is not None:
            self._expression(reference.index, scope)
        if reference.name == "in":
            scope.mark_outer("in")
            return
        self._tensor(reference.name, reference.span, scope, indexed=reference.index is not None)

    def _tensor(
        self, name: str, span: Span, scope: Scope, indexed: bool = False, targets: bool = False
    ) -> None:
        binding = scope.find(name)
        wanted = Means.TAP if indexed else Means.TENSOR
        if binding is None:
            tensors = [n for n in scope.visible() if _means(scope, n) in (wanted, Means.TARGET)]
            guess = closest(name, tensors)
            scope.find(guess or name)  # which is used, then
            self.report(
                Diagnostic(
                    "E0101",
                    f"there is no tensor `{name}` here",
                    Label(span, "unknown"),
                    help=f"did you mean `{guess}`?" if guess else "",
                )
            )
            return
        if binding.means is wanted or (targets and binding.means is Means.TARGET):
            self.model.bound_at[span] = binding.span
            return
        is_tap = binding.means is Means.TAP
        self.report(
            Diagnostic(
                "E0109",
                f"`{name}` is a {binding.means.value}, not a {'tap' if indexed else 'tensor'}",
                Label(span, "used here"),
                Label(binding.span, "bound here"),
                help=f"choose one of its tensors: `{name}[0]`" if is_tap else "",
            )
        )

    def _bind(
        self, name: str, means: Means, span: Span, scope: Scope, says_unused: str = ""
    ) -> None:
        earlier = scope.peek(name)
        if earlier is not None:
            self.report(rebound(name, span, earlier.span))
            return
        scope.bindings[name] = Binding(name, means, span, says_unused)

    def _expression(
        self,
        expression: syntax.Expression,
        scope: Scope,
        *,
        free: bool = False,
        choices: tuple[str, ...] = (),
    ) -> None:
        """Look up the names of an expression.

        `free`: a capital letter may be a free size. `choices`: bare words that are no names.
        """
        pending = [expression]
        while pending:
            node = pending.pop()
            match node:
                case syntax.Name():
                    if node.id not in choices and not (free and is_free_size(node.id)):
                        self._value(node, scope, choices)
                case syntax.Incoming():
                    scope.mark_outer(f"in.{node.attribute}")
                case syntax.List():
                    pending.extend(node.items)
                case syntax.Unary():
                    pending.append(node.operand)
                case syntax.Binary():
                    pending.extend((node.left, node.right))
                case syntax.Index():
                    pending.extend((node.base, node.index))
                case syntax.Apply():
                    self._function(node)
                    pending.extend(a.value for a in node.arguments)

    def _function(self, node: syntax.Apply) -> None:
        if node.name in FUNCTIONS:
            return
        guess = closest(node.name, FUNCTIONS)
        self.report(
            Diagnostic(
                "E0101",
                f"there is no function `{node.name}`",
                Label(node.name_span, "unknown"),
                note="the functions: " + ", ".join(f"`{name}`" for name in FUNCTIONS),
                help=f"did you mean `{guess}`?" if guess else "",
            )
        )

    def _value(self, node: syntax.Name, scope: Scope, choices: tuple[str, ...]) -> None:
        binding = scope.find(node.id)
        if binding is None and self.names.is_partial:
            return  # the import that failed is the error
        if binding is None:
            values = [n for n in scope.visible() if _means(scope, n) is Means.VALUE]
            guess = closest(node.id, [*values, *(c for c in choices if c)])
            scope.find(guess or node.id)  # which is used, then
            self.report(
                Diagnostic(
                    "E0101",
                    f"there is no value `{node.id}` here",
                    Label(node.span, "unknown"),
                    help=f"did you mean `{guess}`?" if guess else "",
                )
            )
        elif binding.means is not Means.VALUE:
            self.report(
                Diagnostic(
                    "E0109",
                    f"`{node.id}` is a {binding.means.value}, not a value",
                    Label(node.span, "used here"),
                    Label(binding.span, "bound here"),
                )
            )


def _if_unused(name: str, means: Means) -> str:
    """What to do about a name that nothing uses; labels and instances cannot begin with `_`."""
    if means is Means.SHARED:
        return "remove it"
    return f"remove it, or call it `_{name}` if that is meant"


def is_free_size(name: str) -> bool:
    """A free size is one capital letter, digits optional: `T`, `H2`."""
    return name[0].isupper() and name[1:].isdigit() if len(name) > 1 else name.isupper()


def _declared(
    callee: Callee,
) -> tuple[list[tuple[str, bool]], Label | None, set[str], dict[str, tuple[str, ...]]]:
    """The arguments of a callee: `(name, is required)`, where they are declared, which are
    tensors, and the bare words that each accepts.
    """
    if isinstance(callee, str):
        return [], None, set(), {}
    if isinstance(callee, syntax.Block):
        parameters = [(p.name, p.default is None) for p in callee.parameters]
        return parameters, Label(callee.name_span, "the block is defined here"), set(), {}
    declared = [(a.name, a.is_required) for a in callee.arguments]
    tensors = {a.name for a in callee.arguments if a.kind.tensor}
    if isinstance(callee, LossOp):
        declared.append(("target", False))
        tensors.add("target")
    choices = {a.name: a.kind.choices for a in callee.arguments if a.kind.choices}
    return declared, None, tensors, choices


def _means(scope: Scope, name: str) -> Means | None:
    binding = scope.peek(name)
    return binding.means if binding is not None else None


def _around_loop(scope: Scope) -> Scope:
    """The scope around the inmost loop; the scope itself outside loops."""
    inner: Scope | None = scope
    while inner is not None and inner.loop is None:
        inner = inner.parent
    if inner is None or inner.parent is None:
        return scope
    return inner.parent


def _loop_word(step: syntax.Repeat | syntax.For) -> str:
    return "repeat" if isinstance(step, syntax.Repeat) else "for"


def _occurrences(
    body: syntax.Body,
) -> Iterable[syntax.Call | syntax.Repeat | syntax.For | syntax.Shared]:
    """The calls, loops and shared instances of a body's text; paths and arms are seen through."""
    for statement in body.statements:
        if isinstance(statement, syntax.Shared):
            yield statement
        elif isinstance(statement, syntax.Flow):
            for step in statement.steps:
                if isinstance(step, syntax.Call):
                    yield step
                    for path in step.paths or ():
                        yield from _occurrences(path.body)
                elif isinstance(step, syntax.Repeat | syntax.For):
                    yield step
                elif isinstance(step, syntax.If):
                    yield from _occurrences(step.then)
                    if step.otherwise is not None:
                        yield from _occurrences(step.otherwise)
