"""How a net is trained: the `train` section that counts for it, checked completely."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from specc import syntax
from specc.check import ShapedModel
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.evaluate import EvaluationError, fail
from specc.graph import count_parameters
from specc.settings.base import Setting
from specc.settings.choose import no_default, no_section, nothing_to_train, sections_for
from specc.settings.data import Data, DataSetting
from specc.settings.forms import unbuilt
from specc.settings.inits import Drawn, Init
from specc.settings.metrics import Metric, Score
from specc.settings.numbers import Batch, Clip, Epochs, Seed, Split
from specc.settings.optimizers import Optimizer, Update, as_argument
from specc.settings.penalties import Penalty
from specc.settings.registry import settings
from specc.settings.schedules import Schedule, rates
from specc.settings.section import Rejected, Section
from specc.source import Span
from specc.suggest import did_you_mean

__all__ = ["Training", "nothing_to_train", "train_settings"]

T = TypeVar("T")

UNBUILT = ("augment", "early_stop", "standardize")
"""Settings of the language that this version does not have."""


@dataclass(frozen=True, slots=True)
class Training:
    """A `train` section that its net can follow.

    Attributes:
        name: of the section; `None` for the default one.
        span: of the section.
        data: where examples come from.
        epochs, batch, seed: numbers.
        optimizer: with its constants.
        rates: the learning rate, as `(epoch, rate)` from each epoch on; the first from epoch 0.
        penalty: λ of λ/2 Σ w², if there is one.
        clip: the largest 2-norm of the gradient, if there is one.
        init: the distribution of weights at the start; `None` for PyTorch's.
        split: the share held out for validation, if there is one.
        metrics: what is told after every epoch; the loss if the section names none.
    """

    name: str | None
    span: Span
    data: Data
    epochs: int
    batch: int
    seed: int
    optimizer: Update
    rates: tuple[tuple[int, float], ...]
    penalty: float | None
    clip: float | None
    init: Drawn | None
    split: float | None
    metrics: tuple[Score, ...]

    @property
    def has_schedule(self) -> bool:
        """Whether the learning rate changes."""
        return len(self.rates) > 1


def train_settings(
    shaped: ShapedModel, diagnostics: Diagnostics, name: str | None = None
) -> Training | None:
    """How the net is trained: by the default section, or by the one of this `name`.

    A section without a name is the default; so is the only one that counts for the net. Every
    section that counts is checked, whichever is chosen. `None` if there is none to choose (see
    `nothing_to_train`), or if anything is wrong.
    """
    found = Diagnostics()
    checked = _check_all(shaped, found)
    if name is not None and name not in checked:
        found.add(no_section(shaped, checked, name))
    if name is None and None not in checked:
        if len(checked) > 1:
            found.add(no_default(shaped))
        elif checked:
            (name,) = checked
    for diagnostic in found:
        diagnostics.add(diagnostic)
    return None if found.has_errors else checked.get(name)


def _check_all(shaped: ShapedModel, diagnostics: Diagnostics) -> dict[str | None, Training | None]:
    """What every section that counts for the net says, by its name; `None` if it has an error."""
    sections = sections_for(shaped, diagnostics)
    return {
        name: _training(Section(shaped, train, diagnostics)) for name, train in sections.items()
    }


def _training(section: Section) -> Training | None:
    """What a section says; `None` if it has an error."""
    try:
        _need_trainable(section)
        found = _settings(section)
        _need_all(section)
        _need_separate(section, found)
        is_complete = len(found) == len(section.train.settings)
        return _assemble(section, found) if is_complete else None
    except EvaluationError as error:
        section.report(error.diagnostic)
        return None


def _need_trainable(section: Section) -> None:
    shaped = section.shaped
    if not shaped.losses:
        problem, label = "has no `loss`", "nothing to make small"
    elif not count_parameters(shaped.function):
        problem, label = "has no parameters", "nothing to learn"
    else:
        return
    raise EvaluationError(
        Diagnostic(
            "E0511",
            f"`{shaped.net.name}` cannot be trained: it {problem}",
            Label(section.train.name_span, "this says how"),
            Label(shaped.net.name_span, label),
        )
    )


def _settings(section: Section) -> dict[str, object]:
    """The values of all settings that could be read."""
    found: dict[str, object] = {}
    first: dict[str, syntax.Setting] = {}
    for line in section.train.settings:
        try:
            if line.name in first:
                raise _repeated(line, first[line.name])
            first[line.name] = line
            found[line.name] = _setting(line, section).read(line, section)
        except EvaluationError as error:
            section.report(error.diagnostic)
        except Rejected:
            pass
    return found


def _setting(line: syntax.Setting, section: Section) -> Setting[Any]:
    known = settings()
    if line.name in known:
        return known[line.name]
    if line.name in UNBUILT:
        raise unbuilt(f"the setting `{line.name}`", line.name_span)
    raise fail(
        "E0502",
        f"there is no setting `{line.name}`",
        line.name_span,
        "unknown",
        note="the settings: " + ", ".join(f"`{name}`" for name in known),
        help=did_you_mean(line.name, known) or as_argument(line, section),
    )


def _repeated(line: syntax.Setting, first: syntax.Setting) -> EvaluationError:
    help_ = "remove one of the two"
    if line.name == Metric.name:
        help_ = "write both after one `metric`, with a comma between"
    return EvaluationError(
        Diagnostic(
            "E0503",
            f"the setting `{line.name}` is given twice",
            Label(line.span, "given again here"),
            Label(first.span, "first given here"),
            help=help_,
        )
    )


def _need_all(section: Section) -> None:
    """Raise E0504 for the required settings that are not there."""
    written = {line.name for line in section.train.settings}
    missing = [s for s in settings().values() if s.is_required and s.name not in written]
    if not missing:
        return
    listed = ", ".join(f"`{s.name}`" for s in missing)
    plural = "s" * (len(missing) != 1)
    raise fail(
        "E0504",
        f"this `train` section needs the setting{plural} {listed}",
        section.train.name_span,
        "missing here",
        note="such as " + ", ".join(f"`{s.example}`" for s in missing),
    )


def _need_separate(section: Section, found: Mapping[str, object]) -> None:
    """Raise E0523 where examples that overlap would be held out at random."""
    data = _of(DataSetting, found)
    if data is None or not data.overlaps or Split.name not in found:
        return
    lines = {line.name: line.span for line in section.train.settings}
    raise EvaluationError(
        Diagnostic(
            "E0523",
            f"`split` holds examples out at random, those of `{data.source}` overlap",
            Label(lines[Split.name], "what is held out would be known"),
            Label(lines[DataSetting.name], "has a test part of its own"),
            help="remove `split`",
        )
    )


def _assemble(section: Section, found: Mapping[str, object]) -> Training:
    """The training that complete settings say."""
    optimizer, epochs = _of(Optimizer, found), _of(Epochs, found)
    assert optimizer is not None and epochs is not None
    data, batch = _of(DataSetting, found), _of(Batch, found)
    assert data is not None and batch is not None
    return Training(
        name=section.train.name,
        span=section.train.span,
        data=data,
        epochs=epochs,
        batch=batch,
        seed=_of(Seed, found) or 0,
        optimizer=optimizer,
        rates=rates(optimizer, _of(Schedule, found), epochs, section),
        penalty=_of(Penalty, found),
        clip=_of(Clip, found),
        init=_of(Init, found),
        split=_of(Split, found),
        metrics=_of(Metric, found) or (Score("loss"),),
    )


def _of(setting: type[Setting[T]], found: Mapping[str, object]) -> T | None:
    """The value of a setting; `None` if it is not given."""
    return cast("T | None", found.get(setting.name))
