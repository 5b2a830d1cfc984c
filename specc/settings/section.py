"""A `train` section at work: where its values come from and where its problems go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from specc import syntax
from specc.check import ShapedModel
from specc.checking.elaborator import Elaborator
from specc.diagnostics import Diagnostic, Diagnostics
from specc.evaluate import Environment, EvaluationError, evaluate, fail
from specc.signature import Argument, bind, defaults, wrong_kind
from specc.source import Span
from specc.suggest import did_you_mean
from specc.values import Value, constant, known_values
from specc.words import FUNCTIONS


class Rejected(Exception):
    """A setting has an error that is already reported."""


@dataclass(frozen=True, slots=True)
class Section:
    """A `train` section and the net that it trains.

    Its expressions see the net's parameters and the constants of the file.
    """

    shaped: ShapedModel
    train: syntax.Train
    diagnostics: Diagnostics

    def report(self, diagnostic: Diagnostic) -> None:
        """Keep a diagnostic."""
        self.diagnostics.add(diagnostic)

    def value(self, expression: syntax.Expression) -> Value:
        """The value of an expression; raises `EvaluationError`."""
        _need_known_functions(expression)
        return evaluate(expression, Environment(self._name, _no_incoming))

    def arguments(
        self, call: syntax.Apply, declared: Sequence[Argument]
    ) -> tuple[dict[str, object], dict[str, Span]]:
        """The arguments of a call, defaults filled in, and where each given one is written.

        Raises `Rejected` after reporting all that is wrong with them.
        """
        problems: list[Diagnostic] = []
        wanted = [(argument.name, argument.is_required) for argument in declared]
        bound = bind(call.name, call.span, call.name_span, wanted, call.arguments, problems.append)
        values = dict(defaults(declared))
        for argument in declared:
            if argument.name in bound:
                try:
                    values[argument.name] = self._argument(call, argument, bound[argument.name])
                except EvaluationError as error:
                    problems.append(error.diagnostic)
        for problem in problems:
            self.report(problem)
        if problems:
            raise Rejected
        plain = {name: known_values(value.plain) for name, value in values.items()}
        return plain, {name: expression.span for name, expression in bound.items()}

    def _argument(self, call: syntax.Apply, argument: Argument, given: syntax.Expression) -> Value:
        takes_words = argument.kind.choices or argument.kind.tensor
        if takes_words and isinstance(given, syntax.Name):
            value = constant(given.id)
        else:
            value = self.value(given)
        if not argument.kind.accepts(value):
            raise EvaluationError(wrong_kind(call.name, argument, value, given.span))
        return value

    def _name(self, name: syntax.Name) -> Value:
        parameters = self.shaped.parameters
        if name.id in parameters:
            return parameters[name.id]
        lets = self.shaped.model.names.lets
        if name.id in lets:
            return Elaborator(self.shaped.model, Diagnostics()).file_value(name)
        raise fail(
            "E0101",
            f"there is no value `{name.id}` here",
            name.span,
            "unknown",
            help=did_you_mean(name.id, [*parameters, *lets]),
        )


def _no_incoming(node: syntax.Incoming) -> Value:
    raise fail("E0110", "a setting cannot use `in`", node.span, "there is no tensor here")


def _need_known_functions(expression: syntax.Expression) -> None:
    """Raise E0101 where an expression calls what is no function: settings are not resolved."""
    for node in syntax.walk(expression):
        if isinstance(node, syntax.Apply) and node.name not in FUNCTIONS:
            raise _no_function(node)


def _no_function(call: syntax.Apply) -> EvaluationError:
    return fail(
        "E0101",
        f"there is no function `{call.name}`",
        call.name_span,
        "unknown",
        note="the functions: " + ", ".join(f"`{name}`" for name in FUNCTIONS),
        help=did_you_mean(call.name, FUNCTIONS),
    )
