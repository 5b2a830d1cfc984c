"""Says in plain words why a word does not fit: the usual mistakes first, then what was expected."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from specc.parsing.machine import Machine
from specc.parsing.reporter import Reporter
from specc.parsing.table import terminals
from specc.parsing.tokens import END, ERROR, SEPARATOR, Token, keywords, short
from specc.words import FUNCTIONS

ITEM_WORDS = frozenset({"IMPORT", "BLOCK", "CELL", "NET", "TRAIN"})
_OPERAND = frozenset({"NAME", "INT", "REAL", "STRING", "TRUE", "FALSE", "NONE", "IN", "LSQB"})
_SOFT = frozenset({"STATE", "CELL", "SCAN"})

_SETTING = ("NAME", "STRING")
"""What only a line of a `train` section begins with."""

_STEP_WORDS = frozenset({"NAME", "SCAN", "FROM", "REPEAT", "FOR", "IF", "LOSS"})
_STATEMENT_WORDS = _STEP_WORDS | {"LET", "INPUT", "STATE", "TARGET", "SHARED", "OUTPUT"}
_OPERATORS = frozenset({"SIGN", "TIMES", "POWER", "COMPARE", "AND", "OR", "LSQB", "LPAR"})

_ITEMS = "`import`, `let`, `block`, `cell`, `net` or `train`"
_GROUPS = (
    ({"IMPORT", "NET"}, ITEM_WORDS | {"LET"}, _ITEMS),
    ({"LOSS", "LET"}, _STATEMENT_WORDS, "a statement"),
    ({"LOSS", "FROM"}, _STEP_WORDS, "a layer"),
    ({"NAME", "REPEAT"}, {"NAME", "SCAN", "REPEAT", "FOR"}, "a layer, `repeat` or `for`"),
    ({"NAME", "INT", "STATE"}, _OPERAND | _SOFT | {"SIGN", "NOT", "LPAR"}, "a value"),
    ({"NAME", "INT"}, _OPERAND | {"SIGN", "NOT", "LPAR", "TARGET"}, "a value"),
    ({"SIGN"}, _OPERATORS, ""),
    ({"NAME", "STATE"}, {"NAME"} | _SOFT, "a name"),
)
"""Sets of terminals that one word describes: what must be there, what it covers, the word."""

_SHOWN = {
    "NAME": "a name",
    "STRING": "a string",
    "_ARROW": "`->`",
    "_DOT": "`.`",
    SEPARATOR: "a new line",
    END: "the end of the file",
}


@dataclass(frozen=True)
class Misfit:
    """A word that does not fit, and what stands around it."""

    machine: Machine

    @cached_property
    def word(self) -> Token:
        """The word itself."""
        return self.machine.words[self.machine.next]

    @cached_property
    def before(self) -> Token | None:
        """The word before it."""
        place = self.machine.next - 1
        return self.machine.words[place] if place >= 0 else None

    @cached_property
    def fitting(self) -> frozenset[str]:
        """The terminals that would fit."""
        return self.machine.fitting() - {ERROR}

    @property
    def place(self) -> tuple[int, int]:
        """What to underline: the word, or the one before where nothing shows."""
        return self.before.place if self.ends and self.before else self.word.place

    @property
    def ends(self) -> bool:
        """Whether the line or the file ends here, so that there is no word to show."""
        return self.word.text in ("", "\n")

    @property
    def found(self) -> str:
        """The word as a message names it."""
        if self.word.type == END:
            return "the end of the file"
        if self.word.text == "\n":
            return "the end of the line"
        return f"`{short(self.word.text)}`" if self.word.text else "the end of the bracket"

    @property
    def rest(self) -> list[Token]:
        """The words of the step, from this one on."""
        words, first = self.machine.words, self.machine.next
        for place in range(first, len(words)):
            if words[place].type in ("_ARROW", "AS", "LBRACE", "RBRACE", SEPARATOR, END):
                return words[first:place]
        return words[first:]

    @property
    def statement(self) -> list[Token]:
        """The words of the statement, from this one on."""
        words, first = self.machine.words, self.machine.next
        for place in range(first, len(words)):
            if words[place].type in ("RBRACE", SEPARATOR, END):
                return words[first:place]
        return words[first:]

    @property
    def is_keyword(self) -> bool:
        """Whether the word is reserved."""
        return self.word.text in keywords()

    def follows(self, *kinds: str) -> bool:
        """Whether the word before is of one of these kinds."""
        return self.before is not None and self.before.type in kinds

    @property
    def begins_statement(self) -> bool:
        """Whether a statement could begin here."""
        return {"LET", "LOSS"} <= self.fitting


@dataclass(frozen=True)
class Complaint:
    """What to report; `cause` is a second place and what to say about it."""

    message: str
    note: str = ""
    help: str = ""
    cause: tuple[tuple[int, int], str] | None = None
    code: str = "E0010"


def explain(machine: Machine, reporter: Reporter) -> None:
    """Report why the machine's next word does not fit."""
    misfit = Misfit(machine)
    found = next(filter(None, (rule(misfit) for rule in _RULES)), None) or _expected(misfit)
    reporter.error(
        found.code,
        found.message,
        misfit.place,
        label="after this" if misfit.ends else "",
        cause=found.cause,
        note=found.note,
        help=found.help,
    )


def expected(fitting: frozenset[str]) -> str:
    """The terminals in words: "`,` or `)`"."""
    left, words = set(fitting), list[str]()
    for needed, covered, word in _GROUPS:
        if needed <= left:
            if word in ("a statement", _ITEMS):
                return word  # where one of these fits, nothing else is worth a word
            left -= covered
            words += [word] if word else []
    texts = _literals() | _SHOWN
    words += sorted(texts[kind] for kind in left if kind in texts)
    return " or ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def _literals() -> dict[str, str]:
    return {t.name: f"`{t.literal}`" for t in terminals() if t.literal}


def _expected(misfit: Misfit) -> Complaint:
    return Complaint(f"expected {expected(misfit.fitting)}, found {misfit.found}")


# ---------------------------------------------------------------- the usual mistakes


def _after_arrow(misfit: Misfit) -> Complaint | None:
    if not misfit.follows("_ARROW"):
        return None
    return Complaint(f"expected a layer after `->`, found {misfit.found}")


def _before_arrow(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "_ARROW" or not misfit.begins_statement:
        return None
    return Complaint("expected a layer before `->`")


def _item_in_braces(misfit: Misfit) -> Complaint | None:
    if misfit.word.type not in ITEM_WORDS or not misfit.begins_statement:
        return None
    return Complaint(f"`{misfit.word.text}` stands at the top of a file, not inside braces")


def _path_outside(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "PATH" or not misfit.begins_statement:
        return None
    return Complaint("`path` stands only in the braces of a join, such as `concat { … }`")


def _else_alone(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "ELSE":
        return None
    return Complaint("`else` without an `if` before it")


def _as_alone(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "AS" or not misfit.begins_statement:
        return None
    return Complaint("`as` stands on the line of the layer whose result it names")


def _several_names(misfit: Misfit) -> Complaint | None:
    """`as a, b` without parentheses."""
    words, place = misfit.machine.words, misfit.machine.next
    if misfit.word.type != "COMMA" or not misfit.follows("NAME", "STATE", "CELL", "SCAN"):
        return None
    if place < 2 or words[place - 2].type != "AS":
        return None
    after = words[place + 1]
    names = f"({words[place - 1].text}, {after.text})"
    pair = after.type == "NAME" and words[place + 2].type != "COMMA"
    return Complaint(
        "several names after `as` need parentheses", help=f"write `as {names}`" if pair else ""
    )


def _bad_label(misfit: Misfit) -> Complaint | None:
    if not misfit.follows("COLON") or "REPEAT" not in misfit.fitting:
        return None
    return Complaint(f"a label stands before a layer, `repeat` or `for`, not before {misfit.found}")


def _missing_type(misfit: Misfit) -> Complaint | None:
    wanted = {"NAME": "a type such as `real[3]`", "LSQB": "the sizes of a state, such as `[8]`,"}
    kind = next(iter(misfit.fitting)) if len(misfit.fitting) == 1 else ""
    if not misfit.follows("COLON") or kind not in wanted:
        return None
    return Complaint(f"expected {wanted[kind]} after `:`, found {misfit.found}")


def _not_a_path(misfit: Misfit) -> Complaint | None:
    if "PATH" not in misfit.fitting or misfit.ends:
        return None
    return Complaint(
        f"expected `path` or `}}`, found {misfit.found}",
        note="the braces behind a layer hold its paths: `concat { path { … } path { … } }`",
    )


def _comment(misfit: Misfit) -> Complaint | None:
    """`// …` behind a statement or in its place."""
    if misfit.word.text != "//":
        return None
    begins = misfit.before is None or misfit.follows(SEPARATOR, "LBRACE", "RBRACE")
    if not begins and SEPARATOR not in misfit.fitting:
        return None
    return Complaint("a comment begins with `#`", help="write `#`")


def _loss_in_train(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "LOSS" or not misfit.machine.accepts(*_SETTING):
        return None
    return Complaint(
        "the loss stands in the net, not in `train`",
        note="it follows the layer that makes the prediction",
    )


def _bare_path(misfit: Misfit) -> Complaint | None:
    """`mnist(../data)` or `import ../blocks.net`."""
    if misfit.word.type not in ("_DOT", "TIMES") or "STRING" not in misfit.fitting:
        return None
    machine = misfit.machine
    if not misfit.follows("IMPORT") and not any(
        machine.after(machine.states[:height], *_SETTING)
        for height in range(1, len(machine.states) + 1)
    ):
        return None
    text, end = "", misfit.word.start
    for token in machine.words[machine.next :]:
        if token.start != end or token.type in ("COMMA", "RPAR", "RBRACE", SEPARATOR, END):
            break
        text, end = text + token.text, token.end
    fits = len(text) <= 60 and '"' not in text
    return Complaint("a path stands in double quotes", help=f'write `"{text}"`' if fits else "")


def _named_result(misfit: Misfit) -> Complaint | None:
    """`x = conv(8, 3)`."""
    machine, name, call = misfit.machine, misfit.before, misfit.statement[1:]
    kinds = [token.type for token in call]
    if name is None or name.type != "NAME" or misfit.word.type != "EQUAL":
        return None
    is_call = kinds[:1] == ["NAME"] and kinds[1:2] in (["LPAR"], ["LBRACE"])
    if not is_call or call[0].text in FUNCTIONS:
        return None
    outer = machine.states[:-1]
    if machine.after(outer, "NAME", "AS", "NAME") is None:
        return None
    works = machine.after(outer, *kinds, "AS", "NAME", SEPARATOR) is not None
    takes_tensor = kinds[2:4] in (["NAME", "RPAR"], ["NAME", "COMMA"])  # `relu(x)`
    works = works and "LBRACE" not in kinds and not takes_tensor
    text = f"{_written(call)} as {name.text}"
    return Complaint(
        "a tensor is named with `as`", help=f"write `{text}`" if works and len(text) < 80 else ""
    )


def _written(words: list[Token]) -> str:
    """Words as they stand in the text, with one space where there is any."""
    text, end = "", words[0].start
    for word in words:
        text, end = text + " " * (word.start > end) + word.text, word.end
    return text


def _bare_assignment(misfit: Misfit) -> Complaint | None:
    """`x = 3` as a statement, or `epochs = 5` and `epochs: 5` as a setting."""
    machine, word, name = misfit.machine, misfit.word, misfit.before
    if name is None or name.type != "NAME" or word.type not in ("EQUAL", "COLON"):
        return None
    rest = [token.type for token in misfit.rest[1:]]
    if machine.accepts("STRING") and not machine.accepts("_ARROW"):
        fits = machine.accepts(*rest)
        message = f"a setting has no `{word.text}` behind its name"
        return Complaint(message, help=f"leave out the `{word.text}`" if fits else "")
    if machine.after(machine.states[:-1], "LET", "NAME", "EQUAL") is None or word.text == ":":
        return None
    fits = machine.after(machine.states[:-1], "LET", "NAME", "EQUAL", *rest) is not None
    help = f"write `let {short(name.text)} = …`" if fits else ""
    return Complaint("a constant is declared with `let`", help=help)


def _needs_parentheses(misfit: Misfit) -> Complaint | None:
    """`conv 64, 3`."""
    machine, name = misfit.machine, misfit.before
    if name is None or name.type != "NAME" or misfit.word.type not in _OPERAND - {"NAME", "LSQB"}:
        return None
    if not machine.accepts("LPAR") or not machine.accepts("_ARROW"):
        return None
    fits = machine.accepts("LPAR", *(token.type for token in misfit.rest), "RPAR")
    arguments = " ".join(token.text for token in misfit.rest).replace(" , ", ", ")
    return Complaint(
        f"expected `(` before the arguments of `{short(name.text)}`",
        help=f"write `{name.text}({arguments})`" if fits and len(arguments) <= 30 else "",
    )


def _two_steps(misfit: Misfit) -> Complaint | None:
    """`relu relu`, or `} dense(10)`."""
    if SEPARATOR not in misfit.fitting or misfit.word.type not in _STATEMENT_WORDS | ITEM_WORDS:
        return None
    arrow = "`->` or a new line" if "_ARROW" in misfit.fitting else "a new line"
    return Complaint(f"expected {arrow} before `{short(misfit.word.text)}`")


def _keyword_as_name(misfit: Misfit) -> Complaint | None:
    if not misfit.is_keyword or "NAME" not in misfit.fitting:
        return None
    is_declared = "INT" not in misfit.fitting  # an argument or a value is named elsewhere
    return Complaint(
        f"`{misfit.word.text}` is a keyword and cannot be a name",
        help=f"take another name, such as `{misfit.word.text}_1`" if is_declared else "",
        code="E0008",
    )


def _single_equals(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "EQUAL" or "COMPARE" not in misfit.fitting:
        return None
    return Complaint("expected a comparison, found `=`", help="write `==`")


def _attribute(misfit: Misfit) -> Complaint | None:
    if misfit.word.type != "_DOT":
        return None
    return Complaint("only `in` has parts behind a `.`, such as `in.channels`")


_RULES: tuple[Callable[[Misfit], Complaint | None], ...] = (
    _after_arrow,
    _before_arrow,
    _item_in_braces,
    _path_outside,
    _else_alone,
    _as_alone,
    _several_names,
    _bad_label,
    _missing_type,
    _not_a_path,
    _comment,
    _loss_in_train,
    _bare_path,
    _named_result,
    _bare_assignment,
    _needs_parentheses,
    _two_steps,
    _keyword_as_name,
    _single_equals,
    _attribute,
)
