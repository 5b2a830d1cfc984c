"""Data `text`: one long text, whose next word or character is to be told."""

from __future__ import annotations

from collections.abc import Iterator

from specc.classes import is_called_again
from specc.diagnostics import Label
from specc.evaluate import EvaluationError
from specc.graph import Call, Function, Layer, Loop, Node, Scan, carries_state
from specc.ops.directions import directions
from specc.settings.base import Use
from specc.settings.data import Data, Source, Words
from specc.settings.fit import LONGEST, Field, need_sequence, one_input_one_target
from specc.settings.paths import common_folder, file_path
from specc.settings.series import SHARE
from specc.signature import BOOLEAN, TEXT, Argument, choice, whole
from specc.types import Content


class Text(Source):
    """A text in UTF-8, plain or .gz, as a sequence of tokens: each is to be told by those before.

    Gives token[steps] and, the same one further on, label[steps]. Of `of V` tokens, 0 stands for
    all that are unknown; the others are the V − 1 most frequent of the training part, in the
    order of frequency, then of the alphabet. If there are fewer, the last ones stay unused. The
    vocabulary goes with the weights into the files of a run. The end of the text is the test
    part, which is read once and in order, the state carried from segment to segment.

    So each recurrent layer runs once a pass and in one direction, unless its first state is given:
    one that is shared is not used twice, none is bidirectional, and nothing is reversed (E0525).

    A net whose number of steps is a free letter can write: the generated script then takes
    `--generate "the time"`, with `--length` and `--temperature`.
    """

    name = "text"
    arguments = (
        Argument("file", TEXT, doc="the file"),
        Argument("level", choice("char", "word"), "char", "what a token is; blanks separate words"),
        Argument("steps", whole(1, LONGEST), 35, "how many tokens a segment has"),
        Argument(
            "sampling",
            choice("random", "adjacent"),
            "random",
            "`random`: segments in random order, the state is zero before each; `adjacent`: a "
            "batch goes on where the one before ended, its state carried and its gradient cut",
        ),
        Argument(
            "letters", BOOLEAN, False, "lower-case letters only, with one blank for all between"
        ),
        Argument("test", SHARE, 0.1, "the share of the tokens, the last, that is the test part"),
    )

    def source(self, use: Use) -> Data:
        """The file, once the net takes tokens and tells labels."""
        given, wanted = one_input_one_target(use)
        size = need_sequence(use, given, Content.TOKEN, "steps")
        need_sequence(use, wanted, Content.LABEL, "steps", size)
        _need_states_that_go_on(use)
        folder, (file,) = common_folder((file_path(use, "file"),))
        context = {
            "file": file,
            "level": use.text("level"),
            "steps": int(use.number("steps")),
            "adjacent": use.text("sampling") == "adjacent",
            "letters": use.values["letters"],
            "test": use.number("test"),
            "input": given.tensor.name,
            "target": wanted.tensor.name,
            "size": size,
        }
        words = Words(use.text("sampling"), use.text("level") if _can_write(use, given) else None)
        template = "data/text.py.j2"
        return Data(self.name, template, context, folder, True, overlaps=True, words=words)


def _can_write(use: Use, given: Field) -> bool:
    """Whether the net takes any number of tokens, and gives the scores of the next, alone."""
    shaped = use.section.shaped
    compared = [loss.inputs[0] for loss in shaped.losses]
    is_free = not given.type.shape[0].is_known
    return is_free and len(shaped.outputs) == 1 and list(shaped.outputs) == compared


def _need_states_that_go_on(use: Use) -> None:
    """Raise E0525 where a recurrent layer runs several times a pass, or not from its beginning."""
    nodes = list(_every_node(use.section.shaped.function, False, set()))
    goes_on = any(carries_state(node) for node, _ in nodes)
    for node, is_again in nodes:
        if goes_on and isinstance(node, Layer) and node.op.name == "reverse":
            note = "behind a reversed segment stands the state of its beginning"
            wanted, help = "that run in the order of the text", "leave out `reverse`"
            raise _uncarried(use, node, wanted, "turns it round", note, help)
        if carries_state(node) and is_again:
            note = "each run would go on from the state of another"
            help = "use a layer for each, without `shared`"
            raise _uncarried(use, node, "that run once a pass", "runs several times", note, help)
        if carries_state(node) and isinstance(node, Layer) and directions(node) > 1:
            note = "where a segment ends, the state of the other direction is not known"
            help = "leave out `bidirectional`"
            raise _uncarried(use, node, "in one direction", "runs in both", note, help)


def _every_node(
    function: Function, is_again: bool, seen: set[tuple[int, bool]]
) -> Iterator[tuple[Node, bool]]:
    """The nodes of a function and of all below, and whether each runs several times a pass."""
    if (id(function), is_again) in seen:
        return
    seen.add((id(function), is_again))
    for node in function.nodes:
        again = is_again or is_called_again(function, node)
        yield node, again
        if isinstance(node, Loop):
            for iteration in node.iterations:
                yield from _every_node(iteration.function, again, seen)
        elif isinstance(node, Call) and not isinstance(node, Scan):
            yield from _every_node(node.function, again, seen)


def _uncarried(
    use: Use, node: Layer | Scan, wanted: str, found: str, note: str, help: str
) -> EvaluationError:
    """The exception of a layer that cannot go on, in the next pass, where it ended."""
    name = f"scan {node.function.name}" if isinstance(node, Scan) else node.op.name
    return use.fail(
        "E0525",
        f"`{use.choice}` needs recurrent layers {wanted}, `{name}` {found}",
        "carries their states from pass to pass",
        cause=Label(node.span, found),
        note=note,
        help=help,
    )
