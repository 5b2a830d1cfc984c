"""Mends a text where a word does not fit: says what was expected, and goes on behind it.

First it tries what a person would do: the keyword that was meant, the newline or the one word that
is missing. Otherwise it gives up the innermost construct that has an ERROR alternative in the
grammar, and skips to a word that can follow there; brackets are balanced by then (`nesting`), so
that a whole argument list or body is skipped at once.
"""

from __future__ import annotations

from lark import Token as LarkToken
from lark import Tree

from specc.parsing.build import build
from specc.parsing.explain import Misfit, explain
from specc.parsing.machine import Machine
from specc.parsing.reporter import Reporter
from specc.parsing.tokens import END, ERROR, SEPARATOR, Token, keywords, short

_OPENERS = frozenset({"LPAR", "LSQB", "LBRACE"})
_CLOSERS = frozenset({"RPAR", "RSQB", "RBRACE"})
_BRACKETS = _OPENERS | _CLOSERS
_HEADERS = ((), ("NAME",), ("IN", "NAME"), ("NAME", "IN", "NAME"))
_GOES_ON = _CLOSERS | {"COMMA", "LBRACE", "_ARROW", "AS", "PATH", SEPARATOR, END}
_ENDS_HEADER = frozenset({"LBRACE", "RBRACE", "_ARROW", SEPARATOR, END})


class Recoverer:
    """A recovery for one text: reports to the reporter.

    After each recovery the next words fit, so that every text comes to its end.
    """

    def __init__(self, reporter: Reporter) -> None:
        self._reporter = reporter

    def recover(self, machine: Machine) -> None:
        """Change stack or words so that the next word fits, or move on to a later one."""
        if self._reporter.is_torn(machine.words[machine.next].start):
            self._give_up(machine)
            return
        if self._else_if(machine) or self._misspelt(machine):
            return
        explain(machine, self._reporter)
        if not (self._separator(machine) or self._one_word(machine) or self._header(machine)):
            self._give_up(machine)

    # Each of the following says whether it has mended the text.

    def _misspelt(self, machine: Machine) -> bool:
        """A name where a keyword fits, or a name before that makes sense only as a keyword."""
        word, following = machine.words[machine.next], machine.words[machine.next + 1 :][:1]
        kinds = [following[0].type] if following else []
        if word.type == "NAME" and (kind := _keyword(machine, machine.states, word, kinds)):
            self._report_misspelt(word, kind)
            machine.words[machine.next] = Token(kind, *word[1:])
            return True
        if not machine.values or getattr(machine.values[-1], "type", "") != "NAME":
            return False
        before = machine.words[machine.next - 1]
        kind = _keyword(machine, machine.states[:-1], before, [word.type, *kinds])
        if not kind:
            return False
        self._report_misspelt(before, kind)
        machine.drop(len(machine.values) - 1)
        machine.words.insert(machine.next, Token(kind, *before[1:]))
        return True

    def _report_misspelt(self, word: Token, kind: str) -> None:
        meant = next(text for text, name in keywords().items() if name == kind)
        message = f"`{short(word.text)}` does not fit here"
        self._reporter.error("E0012", message, word.place, help=f"did you mean `{meant}`?")

    def _else_if(self, machine: Machine) -> bool:
        """`elif` behind a `}`."""
        word = machine.words[machine.next]
        if word.text not in ("elif", "elsif", "elseif") or not machine.accepts("ELSE", "IF"):
            return False
        message = f"`{word.text}` does not fit here"
        self._reporter.error("E0012", message, word.place, help="write `else if`")
        machine.words[machine.next : machine.next + 1] = [
            Token("ELSE", *word[1:]),
            Token("IF", *word[1:]),
        ]
        return True

    def _separator(self, machine: Machine) -> bool:
        """Two statements on a line: `} dense(10)`."""
        word, before = machine.words[machine.next], machine.words[machine.next - 1]
        if before.type not in ("RPAR", "RBRACE") or not machine.accepts(SEPARATOR, word.type):
            return False
        machine.words.insert(machine.next, Token(SEPARATOR, "", before.end, before.end))
        return True

    def _one_word(self, machine: Machine) -> bool:
        """Put in the only word that fits, or put it in the place of the one that does not.

        Brackets stay as they are, since they are paired.
        """
        misfit = Misfit(machine)
        word, following = misfit.word, machine.words[machine.next + 1 :][:1]
        if misfit.is_keyword and "NAME" in misfit.fitting:
            kind = "NAME"
        elif word.type == "EQUAL" and "COMPARE" in misfit.fitting:
            kind = "COMPARE"
        elif len(misfit.fitting) == 1:
            (kind,) = misfit.fitting
        else:
            return False
        if kind in _BRACKETS:
            return False
        kinds = [token.type for token in following]
        if following and word.type not in _BRACKETS and machine.accepts(kind, *kinds):
            machine.words[machine.next] = Token(kind, *word[1:])
        elif machine.accepts(kind, word.type, *kinds):
            machine.words.insert(machine.next, Token(kind, "_", word.start, word.start))
        else:
            return False
        return True

    def _header(self, machine: Machine) -> bool:
        """Go on at the `{` of a header, so that its body is read."""
        place = machine.next
        while machine.words[place].type not in _ENDS_HEADER:
            place += 1
        if machine.words[place].type != "LBRACE":
            return False
        for missing in _HEADERS:
            after = machine.after(machine.states, *missing, "LBRACE")
            if after is not None:
                if machine.after(after, "PATH") is not None:
                    return False
                at = machine.words[place].start
                machine.words[machine.next : place] = [Token(k, "_", at, at) for k in missing]
                return True
        return False

    def _give_up(self, machine: Machine) -> None:
        """Drop the innermost construct that may be an ERROR, and skip to what may follow it."""
        for height in range(len(machine.states) - 1, -1, -1):
            after = machine.after(machine.states[: height + 1], ERROR)
            if after is None:
                continue
            place = self._resume(machine, after, height)
            if place is not None:
                break
        else:
            height, place = 0, len(machine.words) - 1
        at = machine.words[machine.next].start
        for value in machine.drop(height):
            if isinstance(value, Tree):
                build(value, self._reporter)  # reports what is wrong inside
        machine.words[machine.next : place] = [Token(ERROR, "", at, at)]

    def _resume(self, machine: Machine, after: list[int], height: int) -> int | None:
        """Where to go on if the stack is cut at a height; `None` if what is there cannot follow."""
        dropped = (v.type for v in machine.values[height:] if isinstance(v, LarkToken))
        depth = sum((kind in _OPENERS) - (kind in _CLOSERS) for kind in dropped)
        if depth < 0:
            return None
        going_on = {kind for kind in _GOES_ON if machine.after(after, kind) is not None}
        for place in range(machine.next, len(machine.words)):
            kind = machine.words[place].type
            if depth == 0 and kind in going_on:
                return place
            if depth == 0 and (kind in _CLOSERS or kind in (SEPARATOR, END)):
                return None
            depth += (kind in _OPENERS) - (kind in _CLOSERS)
        return None


def _keyword(machine: Machine, states: list[int], word: Token, following: list[str]) -> str:
    """The terminal of the keyword that was probably meant and fits, with what follows; or ""."""
    from specc.suggest import closest

    known = keywords()
    fitting = {t for t, k in known.items() if machine.after(states, k, *following) is not None}
    guess = closest(word.text, fitting)
    return known[guess] if guess else ""
