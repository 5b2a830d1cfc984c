"""Data `reviews`: texts with a label each."""

from __future__ import annotations

from collections.abc import Iterator

from specc.evaluate import EvaluationError
from specc.graph import Call, Function, Layer, Tensor
from specc.settings.base import Use
from specc.settings.data import Data, Source, Words
from specc.settings.fit import (
    LONGEST,
    Field,
    lengths_of,
    need_label,
    need_sequence,
    one_input_one_target,
)
from specc.settings.paths import OPTIONAL, common_folder, file_path
from specc.signature import TEXT, Argument, whole
from specc.types import Content


class Reviews(Source):
    """Texts with a label each: lines of a label, a tab and a text in UTF-8, plain or .gz.

    The labels are 0, 1, …; a first line of names is skipped. A word is `[a-z]+(?:'[a-z]+)?` or
    `[0-9]+` of the text in lower case, in which `<br />` is a blank. Gives token[length] and
    label. Of `of V` tokens, 0 is padding and 1 stands for all words that are unknown; the others
    are the V − 2 most frequent of the training part, in the order of frequency, then of the
    alphabet. A longer text is cut at its end. A shorter one is padded in front, so that the last
    step is its own end; behind, where the input is `padded`. The vocabulary goes with the
    weights into the files of a run.

    `vectors` is a text file of a word and its numbers in a line, separated by blanks, as GloVe
    has them; a first line that tells how many there are, as word2vec has it, is skipped. The
    embeddings of the input begin with these; words that the file lacks keep what is drawn,
    multiplied by the standard deviation of the vectors.
    """

    name = "reviews"
    gives_lengths = True
    arguments = (
        Argument("file", TEXT, doc="the file of training examples"),
        Argument("test", OPTIONAL, None, "the file of test examples"),
        Argument("length", whole(1, LONGEST), 400, "how many words of a text count"),
        Argument("vectors", OPTIONAL, None, "a file of word vectors, plain or .gz"),
        Argument("stopwords", OPTIONAL, None, "a file of words that are left out"),
    )

    def source(self, use: Use) -> Data:
        """The files, once the net takes tokens and tells one label."""
        given, wanted = one_input_one_target(use)
        size = need_sequence(use, given, Content.TOKEN, "length")
        classes = need_label(use, wanted, None)
        named = ("file", "test", "stopwords", "vectors")
        used = [name for name in named if use.values[name] is not None]
        folder, paths = common_folder(tuple(file_path(use, name) for name in used))
        files = dict(zip(used, paths, strict=True))
        context = {
            "files": tuple(files[name] for name in ("file", "test") if name in files),
            "length": int(use.number("length")),
            "input": given.tensor.name,
            "lengths": lengths_of(use, given),
            "target": wanted.tensor.name,
            "size": size,
            "classes": classes,
            "stopwords": files.get("stopwords"),
            "vectors": files.get("vectors"),
            "tables": _tables(use, given) if "vectors" in files else [],
        }
        words = Words(vectors="vectors" in files)
        template = "data/reviews.py.j2"
        return Data(self.name, template, context, folder, "test" in files, words=words)


def _tables(use: Use, field: Field) -> list[str]:
    """The names of the weights of the embeddings of an input; raises E0524 if there are none."""
    found = dict.fromkeys(_embeddings(use.section.shaped.function, field.tensor))
    if not found:
        raise _no_embedding(use, field)
    return list(found)


def _embeddings(function: Function, tensor: Tensor, path: str = "") -> Iterator[str]:
    """The names of the weights of the embeddings that take a tensor, in blocks, too."""
    for node in function.nodes:
        if isinstance(node, Layer) and node.op.name == "embedding" and tensor in node.inputs:
            yield f"{path}{node.name}.weight"
        elif isinstance(node, Call):
            pairs = zip(node.inputs, node.function.inputs, strict=False)
            inner = (inside for outside, inside in pairs if outside is tensor)
            for inside in inner:
                yield from _embeddings(node.function, inside, f"{path}{node.name}.")


def _no_embedding(use: Use, field: Field) -> EvaluationError:
    return use.fail(
        "E0524",
        f"`vectors` are for an embedding, `{field.name}` goes into none",
        "nothing begins with these",
        at="vectors",
        cause=field.label,
        help="use `embedding`, or remove `vectors`",
    )
