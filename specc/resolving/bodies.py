"""Walking the bodies of a file: what is bound where, and what is never used."""

from __future__ import annotations

from specc import syntax
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.model import Model, Names
from specc.ops.registry import layers
from specc.resolving.calls import CallResolver
from specc.resolving.instances import name_instances
from specc.resolving.names import means, names_in
from specc.resolving.placement import check_places, states_set
from specc.scope import Binding, Means, Scope
from specc.suggest import did_you_mean


class FileResolver(CallResolver):
    """Walks the bodies of one file."""

    def __init__(self, model: Model, names: Names, diagnostics: Diagnostics) -> None:
        super().__init__(model, names, diagnostics)
        self.source = next(s for s, n in model.files.items() if n is names)
        self.set_states: set[str] = set()

    def file(self) -> None:
        """Resolve the blocks and nets of the file."""
        top = Scope()
        for let in self.names.lets.values():
            if let.span.source is self.source:
                self.expression(let.value, top)
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
                    Label(item.name_span, f"a {item.word} cannot take its name"),
                    help=f"call the {item.word} something else, such as `{item.name}_{item.word}`",
                )
            )
        check_places(item, self.report)
        if isinstance(item, syntax.Cell) and not item.states:
            self.report(
                Diagnostic(
                    "E0123",
                    f"the cell `{item.name}` has no state",
                    Label(item.name_span, "what does a step hand to the next?"),
                    help="declare one, such as `state h: [8]`, or write `block`",
                )
            )
        self.states = item.states if isinstance(item, syntax.Cell) else ()
        self.set_states = states_set(item.body)
        scope = top.child()
        for parameter in item.parameters:
            if parameter.default is not None:
                self.expression(parameter.default, scope)
            unused = "the parameter"
            self.bind(parameter.name, Means.VALUE, parameter.name_span, scope, unused)
        is_net = isinstance(item, syntax.Net)
        if is_net:
            self._use_in_training(item.name, scope)
        self._function_body(item.body, scope, is_net)

    def _use_in_training(self, net: str, scope: Scope) -> None:
        """The parameters of a net may be meant for its `train` sections."""
        for train in self.model.trains:
            if train.net in (None, net):
                for setting in train.settings:
                    for argument in setting.arguments:
                        for name in names_in(argument.value):
                            scope.find(name)

    def _function_body(self, body: syntax.Body, scope: Scope, is_net: bool = False) -> None:
        """A body with instance names of its own: of a block, a net or a loop."""
        self.body(body, scope, is_net)
        shared = {n for n in scope.visible() if means(scope, n) is Means.SHARED}
        lent = shared.intersection(scope.loops_outer.get(body.span, ()))
        taken = {n: b.span for n in lent if (b := scope.peek(n)) is not None}
        name_instances(body, shared, taken, self.model, self.report)
        for name, binding in scope.bindings.items():
            if binding.says_unused and not binding.is_used and not name.startswith("_"):
                self.report(
                    Diagnostic(
                        "W0102",
                        f"{binding.says_unused} `{name}` is never used",
                        Label(binding.span, "bound here"),
                        help=_if_unused(binding),
                    )
                )
        for loop, outer in scope.loops_outer.items():
            self.model.outer[loop] = tuple(outer)

    def body(self, body: syntax.Body, scope: Scope, is_net: bool = False) -> None:
        """Resolve the statements of a body, in order."""
        for statement in body.statements:
            match statement:
                case syntax.Flow():
                    for step in statement.steps:
                        self._step(step, scope)
                case syntax.Let():
                    self.expression(statement.value, scope)
                    self.bind(
                        statement.name, Means.VALUE, statement.name_span, scope, "the constant"
                    )
                case syntax.Input():
                    self._declare(statement.names, Means.TENSOR, scope, is_net)
                case syntax.State():
                    self._declare_states(statement.names, scope)
                case syntax.Target():
                    self._declare(statement.names, Means.TARGET, scope, is_net)
                case syntax.Shared():
                    self.shared(statement, scope)
                    self.bind(
                        statement.name, Means.SHARED, statement.name_span, scope, "the instance"
                    )
                case syntax.Output():
                    for reference in statement.references:
                        self.reference(reference, scope)

    def _declare(
        self, names: tuple[syntax.Declared, ...], means: Means, scope: Scope, is_net: bool
    ) -> None:
        for declared in names:
            if declared.type is not None:
                self._type(declared.type, scope)
            unused = "" if is_net or means is Means.TARGET else "the input"
            self.bind(declared.name, means, declared.name_span, scope, unused)
            first = declared is names[0] and means is Means.TENSOR
            if first and not is_net:  # the current tensor at the start
                scope.bindings[declared.name].is_used = True

    def _declare_states(self, states: tuple[syntax.Stated, ...], scope: Scope) -> None:
        for state in states:
            for size in state.sizes:
                self.expression(size, scope)
            if len(state.sizes) > 1:
                self.report(
                    Diagnostic(
                        "E0212",
                        f"a state needs one size, gets {len(state.sizes)}",
                        Label(state.sizes[1].span, "a state has features only"),
                    )
                )
            self.bind(state.name, Means.TENSOR, state.name_span, scope, "the state")

    def _need_state(self, step: syntax.NextState) -> None:
        names = [state.name for state in self.states]
        if names and step.name not in names:
            self.report(
                Diagnostic(
                    "E0101",
                    f"there is no state `{step.name}` here",
                    Label(step.name_span, "unknown"),
                    note="the states: " + ", ".join(f"`{name}`" for name in names),
                    help=did_you_mean(step.name, names),
                )
            )

    def _type(self, type_: syntax.Type, scope: Scope) -> None:
        for dimension in type_.dimensions:
            self.expression(dimension, scope, free=True)
        if type_.of is not None:
            self.expression(type_.of, scope)

    def _step(self, step: syntax.Step, scope: Scope) -> None:
        match step:
            case syntax.Call():
                self.call(step, scope)
            case syntax.From():
                for reference in step.references:
                    self.reference(reference, scope)
            case syntax.As():
                self._name_results(step, scope)
            case syntax.NextState():
                self._need_state(step)
            case syntax.Repeat():
                self.expression(step.count, scope)
                self._function_body(step.body, scope.child(loop=step.body.span))
            case syntax.For():
                self.expression(step.values, scope)
                inner = scope.child(loop=step.body.span)
                self.bind(step.variable, Means.VALUE, step.variable_span, inner)
                self._function_body(step.body, inner)
            case syntax.If():
                self._if(step, scope)
            case syntax.Loss():
                self.loss(step, scope)

    def _if(self, step: syntax.If, scope: Scope) -> None:
        self.expression(step.condition, scope)
        arms = [scope.child() for _ in (step.then, step.otherwise)]
        self.body(step.then, arms[0])
        if step.otherwise is not None:
            self.body(step.otherwise, arms[1])
        for arm in arms:
            scope.absorb(arm)

    def _name_results(self, step: syntax.As, scope: Scope) -> None:
        is_list = len(step.references) > 1
        for reference in step.references:
            if reference.name == "_":
                continue
            if reference.index is None:
                instead = self._as_state(step, scope)
                given = (reference.name, Means.TENSOR, reference.span, scope, "the name")
                self.bind(*given, instead, is_list)
                continue
            self.expression(reference.index, scope)
            # A tap is handed out of its loop: it is bound around it.
            around = _around_loop(scope)
            if reference.name not in around.bindings:
                given = (reference.name, Means.TAP, reference.span, around, "the tap")
                self.bind(*given, is_in_list=is_list)

    def _as_state(self, step: syntax.As, scope: Scope) -> str:
        """The help for `as h` where `as state h` is what is missing."""
        name = step.references[0].name
        is_state = name in {state.name for state in self.states} - self.set_states
        if not is_state or len(step.references) > 1 or scope.enclosing_loops():
            return ""
        return f"write `as state {name}` if it is the state of the next step"


def _if_unused(binding: Binding) -> str:
    """What to do about a name that nothing uses; labels and instances cannot begin with `_`."""
    if binding.means is Means.SHARED:
        return "remove it"
    removed = "write `_` in its place" if binding.is_in_list else "remove it"
    return f"{removed}, or call it `_{binding.name}` if that is meant"


def _around_loop(scope: Scope) -> Scope:
    """The scope around the inmost loop; the scope itself outside loops."""
    inner: Scope | None = scope
    while inner is not None and inner.loop is None:
        inner = inner.parent
    if inner is None or inner.parent is None:
        return scope
    return inner.parent
