"""What diagnostics look like: word for word for every code, and in every form."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from codes import CODES
from commandline import specc
from conftest import Golden

from specc import __version__
from specc.diagnostics import CompileError, Diagnostic, Diagnostics, Label
from specc.pipeline import analyse
from specc.report import report, tally
from specc.source import Source, Span

FOLDER = Path(__file__).with_name("diagnostics")
_COMMAND = re.compile(r"^# \$ specc (.+)$", re.MULTILINE)


def too_large(folder: Path) -> None:
    (folder / "E0601.net").write_text("# " + "x" * 1_000_000, encoding="utf-8")


def no_spec(folder: Path) -> None:
    (folder / "E0605.net").write_text("? ! " * 60, encoding="utf-8")


def many_imports(folder: Path) -> None:
    for number in range(202):
        text = f"let width{number} = {number}\n"
        (folder / f"part{number}.net").write_text(text, encoding="utf-8")
    lines = [f'import "part{number}.net"\n' for number in range(202)]
    (folder / "E0613.net").write_text("".join(lines), encoding="utf-8")


MADE: dict[str, Callable[[Path], None]] = {
    "E0001": lambda folder: None,
    "E0601": too_large,
    "E0605": no_spec,
    "E0613": many_imports,
}
"""Codes whose specs are too large to keep (or are missing, which is the error)."""


def check(code: str, folder: Path) -> str:
    """What `specc` says about the spec of a code, or of the command in its first lines."""
    file = folder / f"{code}.net"
    command = _COMMAND.search(file.read_bytes()[:200].decode("latin-1")) if file.exists() else None
    arguments = command[1].split() if command else ["check", file.name]
    result = specc(*arguments)
    assert result.status == (0 if code.startswith("W") else 1), result.err
    return result.err


def test_every_code_has_an_example() -> None:
    kept = {path.stem for path in FOLDER.glob("*.net") if "_" not in path.stem}
    assert kept | set(MADE) == CODES
    assert {path.stem for path in FOLDER.glob("*.txt")} == CODES


@pytest.mark.parametrize("code", sorted(CODES))
def test_wording(
    code: str, golden: Golden, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = FOLDER
    if code in MADE:
        folder = tmp_path
        MADE[code](folder)
    monkeypatch.chdir(folder)
    text = check(code, folder)
    if code == "E0605":
        text = "\n".join(part for part in text.split("\n\n") if f"[{code}]" in part) + "\n"
    assert f"[{code}]" in text
    golden(FOLDER / f"{code}.txt", text)


def test_wording_is_uniform() -> None:
    """Lower case, no full stop, code in backticks, fixes only in the help."""
    for path in FOLDER.glob("*.txt"):
        for line in path.read_text(encoding="utf-8").splitlines():
            message = re.match(r"(?:error|warning)\[\w+\]: (.*)", line)
            if message:
                assert not message[1][0].isupper(), line
                assert not message[1].endswith("."), line
                assert message[1].count("`") % 2 == 0, line
                assert "did you mean" not in message[1], line


# ---------------------------------------------------------------- layout


def at(source: Source, text: str, label: str = "", nth: int = 0) -> Label:
    """A label at the nth occurrence of a text."""
    start = -1
    for _ in range(nth + 1):
        start = source.text.index(text, start + 1)
    return Label(Span(source, start, start + len(text)), label)


def shown(primary: Label, secondary: Label | None = None, **more: object) -> list[str]:
    """The lines of a diagnostic."""
    found = Diagnostic("E0301", "message", primary, secondary, **more)  # type: ignore[arg-type]
    return report([found]).splitlines()


LENET = Source(
    "specs/lenet.net",
    "net LeNet {\n  input image: real[1, 12, 12]\n\n\n\n\n\n"
    "  conv(16, 5) -> sigmoid -> maxpool(2)\n  conv(32, 5)\n}\n",
)


def test_layout_of_the_design() -> None:
    found = Diagnostic(
        "E0301",
        "`conv` gets a 4x4 image, smaller than its 5x5 kernel",
        at(LENET, "conv(32, 5)", "needs height and width of at least 5"),
        at(LENET, "maxpool(2)", "this makes [16, 4, 4]"),
        note="(4 + 2*0 - 5) / 1 + 1 = 0",
        help="with `pad=1` the result is [32, 2, 2]",
    )
    assert (
        report([found])
        == """\
error[E0301]: `conv` gets a 4x4 image, smaller than its 5x5 kernel
  --> specs/lenet.net:9:3
   |
 8 |   conv(16, 5) -> sigmoid -> maxpool(2)
   |                             ---------- this makes [16, 4, 4]
 9 |   conv(32, 5)
   |   ^^^^^^^^^^^ needs height and width of at least 5
   |
   = note: (4 + 2*0 - 5) / 1 + 1 = 0
   = help: with `pad=1` the result is [32, 2, 2]
"""
    )


def test_two_files() -> None:
    other = Source("blocks.net", "\n" * 11 + "block unit(width) { relu }\n")
    lines = shown(at(LENET, "conv(32, 5)", "called"), at(other, "unit", "defined"))
    assert lines[1:] == [
        "   --> specs/lenet.net:9:3",
        "    |",
        "  9 |   conv(32, 5)",
        "    |   ^^^^^^^^^^^ called",
        "   ::: blocks.net:12:7",
        "    |",
        " 12 | block unit(width) { relu }",
        "    |       ---- defined",
    ]


def test_two_spans_in_one_line() -> None:
    lines = shown(at(LENET, "sigmoid", "here"), at(LENET, "conv(16, 5) -> sigmoid", "all this"))
    assert lines[3:] == [
        " 8 |   conv(16, 5) -> sigmoid -> maxpool(2)",
        "   |                  ^^^^^^^ here",
        "   |   ---------------------- all this",
    ]


def test_gaps_of_one_line_are_filled() -> None:
    source = Source("x.net", "a\nb\nc\nd\ne\n")
    assert shown(at(source, "a"), at(source, "c"))[3:] == [
        " 1 | a", "   | ^", " 2 | b", " 3 | c", "   | -",
    ]  # fmt: skip
    assert "..." in shown(at(source, "a"), at(source, "d"))


def test_spans_of_several_lines() -> None:
    source = Source("x.net", "  add {\n    path {}\n    path {}\n  } -> relu\n")
    text = source.text[2 : source.text.index(" -> relu")]
    assert shown(at(source, text, "needs equal sizes"))[3:] == [
        " 1 |   add {",
        "   |   ^^^^^",
        "...",
        " 4 |   } -> relu",
        "   |   ^ needs equal sizes",
    ]


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("\tx", "    ^"),
        ("a\tx", "    ^"),
        ("日本x", "    ^"),
        ("é\u0301x", " ^"),
        ("# 🙂x", "    ^"),
    ],
)
def test_marks_stand_under_their_text(text: str, marks: str) -> None:
    lines = shown(at(Source("x.net", text), "x"))
    assert lines[-1] == f"   | {marks}"
    assert "\t" not in lines[-2]


def test_hostile_text_cannot_move_the_cursor() -> None:
    source = Source("a\x1b[2J.net", 'import "\x1b]0;x\x07\r\u202e"')
    lines = shown(at(source, "import", "label\x1b[1m"), note="n\x00", help="h\u200b\r")
    text = "\n".join(lines)
    assert text.replace("\n", "").isprintable()
    assert "a\\x1b[2J.net:1:1" in text


def test_long_lines_are_cut() -> None:
    source = Source("x.net", "a" * 5000 + "needle" + "b" * 5000)
    line, marks = shown(at(source, "needle", "here"))[3:]
    assert len(line) < 140
    assert line[marks.index("^") : marks.index("^") + 6] == "needle"
    assert line.startswith(" 1 | …") and line.endswith("…")


def test_an_empty_span_is_one_mark() -> None:
    source = Source("x.net", "net {\n}")
    end = Label(Span(source, len(source.text), len(source.text)), "the file ends")
    assert shown(end)[3:] == [" 2 | }", "   |  ^ the file ends"]


def test_a_file_without_a_place() -> None:
    source = Source("gone.net", "")
    assert shown(Label(Span(source, 0, 0))) == ["error[E0301]: message", "  --> gone.net"]


def test_long_trails_leave_calls_out() -> None:
    trail = tuple(at(LENET, "conv(32, 5)", f"call {n}") for n in range(20))
    lines = shown(at(LENET, "sigmoid"), trail=trail)
    assert [line.strip() for line in lines if "…" in line] == ["… 14 more …"]
    assert "call 0" in lines[-7] and "call 19" in lines[-1]


def test_colours_change_nothing_else() -> None:
    found = [Diagnostic("W0101", "message", at(LENET, "LeNet", "label"), help="help")]
    coloured = report(found, colour=True)
    assert "\x1b[1;33m" in coloured
    assert re.sub(r"\x1b\[[\d;]*m", "", coloured) == report(found)


def test_many_are_counted() -> None:
    source = Source("x.net", "x")
    found = [Diagnostic("W0101", str(n), at(source, "x")) for n in range(250)]
    assert report(found).endswith("… and 150 more\n")
    assert tally(found) == "250 warnings"
    assert tally([*found, Diagnostic("E0101", "m", at(source, "x"))]) == "1 error, 250 warnings"
    assert tally([]) == report([]) == ""


# ---------------------------------------------------------------- for machines


def broken() -> tuple[Diagnostic, ...]:
    """The diagnostics of a spec with two errors."""
    text = (
        "block half { dense(in.channels // 2) }\n"
        "net Tiny {\n  input x: real[8]\n  half\n}\n"
        "net Other {\n  input x: real[8]\n  conv(4, 3)\n}\n"
    )
    with pytest.raises(CompileError) as caught:
        analyse(Source("a,b: 100%.net", text), Diagnostics())
    return caught.value.diagnostics


def test_json() -> None:
    document = json.loads(report(broken(), "json"))
    assert (document["errors"], document["warnings"]) == (2, 0)
    first = document["diagnostics"][0]
    assert first["code"] == "E0111"
    assert first["primary"] == {
        "file": "a,b: 100%.net",
        "line": 1,
        "column": 20,
        "end_line": 1,
        "end_column": 31,
        "label": "it is 8 features",
    }
    assert first["secondary"]["line"] == 3
    assert first["trail"][0]["label"] == "in this call of `half`"
    assert json.loads(report([], "json")) == {"errors": 0, "warnings": 0, "diagnostics": []}


def test_github() -> None:
    lines = report(broken(), "github").splitlines()
    assert len(lines) == 2
    assert lines[0].startswith(
        "::error file=a%2Cb%3A 100%25.net,line=1,endLine=1,col=20,endColumn=31,title=E0111::"
        "the incoming tensor has no `channels`%0A"
    )
    assert report([], "github") == ""


def test_sarif() -> None:
    log = json.loads(report(broken(), "sarif"))
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert (driver["name"], driver["version"]) == ("specc", __version__)
    assert [rule["id"] for rule in driver["rules"]] == ["E0111", "E0307"]
    assert driver["rules"][1]["shortDescription"]["text"].startswith("a tensor of another rank")
    result = run["results"][0]
    assert driver["rules"][result["ruleIndex"]]["id"] == result["ruleId"] == "E0111"
    place = result["locations"][0]["physicalLocation"]
    assert place["artifactLocation"]["uri"] == "a%2Cb%3A%20100%25.net"
    assert place["region"] == {"startLine": 1, "startColumn": 20, "endLine": 1, "endColumn": 31}
    assert len(result["relatedLocations"]) == 2


def test_unknown_forms_are_refused() -> None:
    with pytest.raises(ValueError, match="xml"):
        report([], "xml")
