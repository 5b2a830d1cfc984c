"""The metric `perplexity`: how many tokens a net hesitates between."""

from __future__ import annotations

from specc.diagnostics import Label
from specc.evaluate import EvaluationError
from specc.graph import Layer
from specc.settings.base import Choice, Use
from specc.settings.forms import unbuilt
from specc.settings.metrics import Score, fitting, pairs_of


class Perplexity(Choice[tuple[Score, ...]]):
    """exp of the mean cross entropy, the net's only loss: 1 at best, V for a guess among V."""

    setting = "metric"
    name = "perplexity"

    def make(self, use: Use) -> tuple[Score, ...]:
        """The score; raises E0521 unless the loss is a plain cross entropy."""
        losses = use.section.shaped.losses
        for loss in losses:
            if loss.op.name != "cross_entropy":
                raise _misfit(use, loss, "another loss")
        if len(losses) > 1:
            raise _misfit(use, losses[1], "one more")
        (loss,) = losses
        if loss["weight"].plain is not None or loss["scale"].plain != 1:
            raise _misfit(use, loss, "this mean is weighted")
        if loss.given or loss["ignore"].plain is not None:
            raise unbuilt("`perplexity` where a loss leaves labels out", use.span)
        return (Score(self.name, span=use.span),)


def _misfit(use: Use, loss: Layer, label: str) -> EvaluationError:
    message = "`perplexity` needs a plain `cross_entropy` as the only loss"
    help = fitting(list(pairs_of(use)))
    return use.fail("E0521", message, "does not fit", cause=Label(loss.span, label), help=help)
