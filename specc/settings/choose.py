"""Which `train` section is meant for a net, and what to say where none is."""

from __future__ import annotations

from collections.abc import Iterable

from specc import syntax
from specc.check import ShapedModel
from specc.diagnostics import Diagnostic, Diagnostics, Label
from specc.suggest import did_you_mean


def nothing_to_train(shaped: ShapedModel) -> Diagnostic:
    """The error of training a net for which `train_settings` finds no section."""
    names = [train.name for train in _may_train(shaped) if train.name is not None]
    choose = ", ".join(f"`--train {name}`" for name in names)
    return Diagnostic(
        "E0510",
        f"nothing says how to train `{shaped.net.name}`",
        Label(shaped.net.name_span, "no `train` section counts for it"),
        note="a `train` section needs `data`, `epochs`, `batch` and `optimizer`",
        help=f"choose a section: {choose}" if names else "",
    )


def _may_train(shaped: ShapedModel) -> list[syntax.Train]:
    """The sections that may train this net: those for it, and those for any that has a loss."""
    trains = shaped.model.trains
    is_alone = len(shaped.model.nets) == 1
    return [
        train
        for train in trains
        if train.net == shaped.net.name or (train.net is None and (shaped.losses or is_alone))
    ]


def sections_for(shaped: ShapedModel, diagnostics: Diagnostics) -> dict[str | None, syntax.Train]:
    """The sections that count for this net, by name; reports E0507 and E0509 on the way."""
    nets = [net.name for net in shaped.model.nets]
    for train in shaped.model.trains:
        if train.net is not None and train.net not in nets:
            diagnostics.add(_unknown_net(train, train.net, nets))
    kept: dict[str | None, syntax.Train] = {}
    for train in _may_train(shaped):
        first = kept.setdefault(train.name, train)
        if first is not train:
            diagnostics.add(_repeated_section(train, first))
    return kept


def _unknown_net(train: syntax.Train, net: str, nets: list[str]) -> Diagnostic:
    return Diagnostic(
        "E0509",
        f"there is no net `{net}` to train",
        Label(train.net_span or train.name_span, "unknown"),
        note="the nets of this file: " + (", ".join(f"`{n}`" for n in nets) or "none"),
        help=did_you_mean(net, nets),
    )


def _repeated_section(train: syntax.Train, first: syntax.Train) -> Diagnostic:
    if train.name is None:
        message = "there are two `train` sections without a name"
    else:
        message = f"there are two `train` sections called `{train.name}`"
    return Diagnostic(
        "E0507",
        message,
        Label(train.name_span, "the second"),
        Label(first.name_span, "the first"),
        note="a section without a name is the default; `--train NAME` chooses another",
    )


def no_section(shaped: ShapedModel, sections: Iterable[str | None], name: str) -> Diagnostic:
    """The error of a `--train name` that no section has."""
    names = [known for known in sections if known is not None]
    return Diagnostic(
        "E0508",
        f"there is no `train` section `{name}` for `{shaped.net.name}`",
        Label(shaped.net.name_span, "for this net"),
        note="its sections: " + (", ".join(f"`{n}`" for n in names) or "none with a name"),
        help=did_you_mean(name, names, "--train {}"),
    )


def no_default(shaped: ShapedModel) -> Diagnostic:
    """The warning that several sections have names and none is the default."""
    first = _may_train(shaped)[0]
    return Diagnostic(
        "W0501",
        "no `train` section is the default, so none is used",
        Label(first.name_span, "one of several with a name"),
        note="a section without a name is the default",
        help=f"pass `--train {first.name}`",
    )
