"""A layer at its place: what its shape rule looks at, and how it says what does not fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from specc.applied import Applied
from specc.diagnostics import Diagnostic, Label
from specc.evaluate import EvaluationError
from specc.source import Span
from specc.types import Content, TensorType
from specc.values import Value

if TYPE_CHECKING:
    from specc.ops.base import Op


class SiteError(EvaluationError):
    """A layer cannot be what it is asked to be; carries the diagnostic."""


@dataclass(frozen=True)
class Site(Applied[TensorType]):
    """A layer at its place, before its shape is known: what its shape rule looks at.

    `inputs` are the types of the tensors that come in, `made_at` where each was made; `arguments`
    the checked values, defaults filled in. A trial is a proposal being tried: it warns nobody, and
    what it fails with proposes nothing further.
    """

    op: Op
    inputs: tuple[TensorType, ...]
    made_at: tuple[Span, ...]
    arguments: Mapping[str, Value]
    span: Span
    argument_spans: Mapping[str, Span] = field(default_factory=dict)
    warn: Callable[[Diagnostic], None] = lambda diagnostic: None
    is_trial: bool = False
    tensors: tuple[str, ...] = ()

    @property
    def input(self) -> TensorType:
        """The type of the only (or first) input."""
        return self.inputs[0]

    def __getitem__(self, name: str) -> Value:
        return self.arguments[name]

    def diagnostic(
        self,
        code: str,
        message: str,
        label: str,
        *,
        cause: int | None = 0,
        argument: str | None = None,
        note: str = "",
        help: str = "",
    ) -> Diagnostic:
        """A diagnostic at this layer.

        `label` is said under the layer, or under its `argument`; the second span is where
        input number `cause` was made (`None`: no second span).
        """
        span = self.argument_spans.get(argument or "", self.span)
        second = None
        if cause is not None and cause < len(self.inputs):
            second = Label(self.made_at[cause], f"this makes {self.inputs[cause]}")
        return Diagnostic(code, message, Label(span, label), second, note, help)

    def fail(self, code: str, message: str, label: str, **more: object) -> SiteError:
        """The exception to raise for `diagnostic(…)` with the same arguments."""
        return SiteError(self.diagnostic(code, message, label, **more))  # type: ignore[arg-type]

    def try_with(self, **arguments: int | float | str | bool | None) -> TensorType | None:
        """The type of the result if some arguments were different; `None` if that fails too.

        A fix is proposed only after this.
        """
        changed = dict(self.arguments) | {n: Value(v, v) for n, v in arguments.items()}
        return _attempt(replace(self, arguments=changed))

    def try_on(self, *inputs: TensorType) -> TensorType | None:
        """The type of the result if other tensors came in; `None` if that fails too."""
        return _attempt(replace(self, inputs=inputs))

    def require_real(self) -> None:
        """Fail unless every input holds real numbers: nothing computes with tokens or labels."""
        for position, tensor in enumerate(self.inputs):
            if tensor.content is not Content.REAL:
                raise self.fail(
                    "E0310",
                    f"`{self.op.name}` needs real numbers, gets {tensor}",
                    f"a {tensor.content.value} is a name, not a quantity",
                    cause=position,
                )


def _attempt(site: Site) -> TensorType | None:
    if site.is_trial:
        return None
    try:
        return site.op.infer(replace(site, warn=lambda _: None, is_trial=True))
    except SiteError:
        return None
