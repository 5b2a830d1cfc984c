"""What names mean: values, tensors, and how they are bound."""

from __future__ import annotations

from collections.abc import Iterator

from specc import syntax
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.imports import rebound
from specc.model import Model, Names
from specc.scope import Binding, Means, Scope
from specc.source import Span
from specc.suggest import closest, did_you_mean
from specc.words import FUNCTIONS


class NameResolver:
    """Looks up and binds the names of one file."""

    def __init__(self, model: Model, names: Names, diagnostics: Diagnostics) -> None:
        self.model = model
        self.names = names
        self.report = diagnostics.add

    def reference(
        self, reference: syntax.Reference, scope: Scope, *, targets: bool = False
    ) -> None:
        """Look up the tensor that a reference names; `targets`: a target will do, too."""
        if reference.index is not None:
            self.expression(reference.index, scope)
        if reference.name == "in":
            scope.mark_outer("in")
            return
        self._tensor(reference, scope, targets=targets)

    def _tensor(self, reference: syntax.Reference, scope: Scope, *, targets: bool) -> None:
        """Look up a tensor, or with an index a tap; `targets`: a target will do, too."""
        name, span, is_indexed = reference.name, reference.span, reference.index is not None
        binding = scope.find(name)
        wanted = Means.TAP if is_indexed else Means.TENSOR
        if binding is None:
            tensors = [n for n in scope.visible() if means(scope, n) in (wanted, Means.TARGET)]
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
        is_target = targets and not is_indexed and binding.means is Means.TARGET
        if binding.means is wanted or is_target:
            self.model.bound_at[span] = binding.span
            return
        is_tap = binding.means is Means.TAP
        self.report(
            Diagnostic(
                "E0109",
                f"`{name}` is a {binding.means.value}, not a {'tap' if is_indexed else 'tensor'}",
                Label(span, "used here"),
                Label(binding.span, "bound here"),
                help=f"choose one of its tensors: `{name}[0]`" if is_tap else "",
            )
        )

    def bind(
        self,
        name: str,
        means: Means,
        span: Span,
        scope: Scope,
        says_unused: str = "",
        instead: str = "",
        is_in_list: bool = False,
    ) -> None:
        """Bind a name; twice is an error (E0102), and `instead` what to do about it."""
        earlier = scope.peek(name)
        if earlier is not None:
            self.report(rebound(name, span, earlier.span, help=instead))
            return
        scope.bindings[name] = Binding(name, means, span, says_unused, is_in_list)

    def expression(
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
        for node in syntax.walk(expression):
            match node:
                case syntax.Name():
                    is_free = free and is_free_size(node.id) and scope.peek(node.id) is None
                    if node.id not in choices and not is_free:
                        self._value(node, scope, choices)
                case syntax.Incoming():
                    scope.mark_outer(f"in.{node.attribute}")
                case syntax.Apply():
                    self._function(node)

    def _function(self, node: syntax.Apply) -> None:
        if node.name in FUNCTIONS:
            return
        self.report(
            Diagnostic(
                "E0101",
                f"there is no function `{node.name}`",
                Label(node.name_span, "unknown"),
                note="the functions: " + ", ".join(f"`{name}`" for name in FUNCTIONS),
                help=did_you_mean(node.name, FUNCTIONS),
            )
        )

    def _value(self, node: syntax.Name, scope: Scope, choices: tuple[str, ...]) -> None:
        binding = scope.find(node.id)
        if binding is None and self.names.is_partial:
            return  # the import that failed is the error
        if binding is None:
            values = [n for n in scope.visible() if means(scope, n) is Means.VALUE]
            guess = closest(node.id, [*values, *(c for c in choices if c)])
            scope.find(guess or node.id)  # which is used, then
            words = ", ".join(f"`{word}`" for word in choices if word)
            self.report(
                Diagnostic(
                    "E0101",
                    f"there is no value `{node.id}` here",
                    Label(node.span, "unknown"),
                    note=f"the words that the argument takes: {words}" if words else "",
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


def is_free_size(name: str) -> bool:
    """A free size is one capital letter, digits optional: `T`, `H2`."""
    return name[0].isupper() and name[1:].isdigit() if len(name) > 1 else name.isupper()


def means(scope: Scope, name: str) -> Means | None:
    """What a name stands for, without using it."""
    binding = scope.peek(name)
    return binding.means if binding is not None else None


def names_in(expression: syntax.Expression) -> Iterator[str]:
    """The names that an expression uses, wherever they stand in it."""
    return (node.id for node in syntax.walk(expression) if isinstance(node, syntax.Name))
