"""What the documentation shows is right: its specs compile, its generated pages are up to date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from specc import reference
from specc.diagnostics import CompileError, Diagnostics
from specc.ops.registry import layers, losses
from specc.pipeline import analyse
from specc.source import Source
from specc.training import train_settings

ROOT = Path(__file__).parents[1]
PAGES = sorted([*(ROOT / "docs").glob("*.md"), ROOT / "README.md", ROOT / "CONTRIBUTING.md"])
LANGUAGE = (ROOT / "docs" / "language.md").read_text(encoding="utf-8")

BLOCK = re.compile(r"^```net(?P<info>[^\n]*)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
RULE = re.compile(r"^- \*\*([A-Z])(\d+)\.\*\* ", re.MULTILINE)
CITED = re.compile(r"\brule ([A-Z]\d+)\b")
FRAGMENT = "net Fragment {{\n  input image: real[3, 32, 32]\n{}}}\n"
"""What is put around a block marked `fragment`."""


@dataclass(frozen=True)
class Example:
    """A spec of a page: where it is, its text, and the codes that it has to give."""

    place: str
    text: str
    codes: frozenset[str]

    @property
    def file(self) -> str | None:
        """The name of the file that it shows, if it says so in its first line."""
        match = re.match(r"# file: (\S+)\n", self.text)
        return match[1] if match else None


def examples(page: Path) -> list[Example]:
    content = page.read_text(encoding="utf-8")
    found = []
    for match in BLOCK.finditer(content):
        place = f"{page.name}:{content.count(chr(10), 0, match.start()) + 1}"
        words = match["info"].split()
        unknown = [w for w in words if not re.fullmatch(r"fragment|(error|warning)=[EW]\d{4}", w)]
        assert not unknown, f"{place}: {unknown}"
        text = FRAGMENT.format(match["text"]) if "fragment" in words else match["text"]
        codes = frozenset(word.partition("=")[2] for word in words if "=" in word)
        found.append(Example(place, text, codes))
    return found


EXAMPLES = [example for page in PAGES for example in examples(page)]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files that examples show, for others to import."""
    path = tmp_path_factory.mktemp("docs")
    for example in EXAMPLES:
        if example.file is not None:
            (path / example.file).write_text(example.text, encoding="utf-8")
    return path


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda example: example.place)
def test_specs_do_what_the_page_says(example: Example, folder: Path) -> None:
    diagnostics = Diagnostics()
    path = folder / (example.file or "example.net")
    try:
        for shaped in analyse(Source(path.name, example.text, path), diagnostics).values():
            if shaped.model.trains:
                train_settings(shaped, diagnostics)
    except CompileError:
        pass  # its errors are among the diagnostics
    found = [f"{d.code} at line {d.primary.span.place}: {d.message}" for d in diagnostics]
    assert {text[:5] for text in found} == example.codes, found


@pytest.mark.parametrize("page", reference.PAGES)
def test_generated_pages_are_up_to_date(page: str) -> None:
    text = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    written = reference.PAGES[page]()
    assert text == written, f"docs/{page}.md is not up to date: {reference.COMMAND}"


def test_every_layer_and_argument_is_documented() -> None:
    for op in {**layers(), **losses()}.values():
        assert op.family in reference.FAMILIES, op.name
        assert op.samples, op.name
        for argument in op.arguments:
            assert argument.doc, f"{op.name}: {argument.name}"


def test_rules_are_numbered_in_order() -> None:
    numbers: dict[str, list[int]] = {}
    for letter, number in RULE.findall(LANGUAGE):
        numbers.setdefault(letter, []).append(int(number))
    assert numbers
    for letter, found in numbers.items():
        assert found == list(range(1, len(found) + 1)), letter


def test_cited_rules_exist() -> None:
    rules = {letter + number for letter, number in RULE.findall(LANGUAGE)}
    for path in [*(ROOT / "specc").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]:
        for cited in CITED.findall(path.read_text(encoding="utf-8")):
            assert cited in rules, f"{path.name} cites the rule {cited}"


def test_codes_of_the_language_page_exist() -> None:
    known = {path.stem for path in (ROOT / "specc" / "explanations").glob("*.md")}
    assert set(re.findall(r"\b[EW]0\d{3}\b", LANGUAGE)) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    content = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s]+)\)", content):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        linked = (page.parent / name).resolve() if name else page
        assert linked.exists(), f"{page.name}: {target}"
        assert not anchor or anchor in anchors(linked), f"{page.name}: {target}"


def anchors(page: Path) -> set[str]:
    """The headings of a page as links name them."""
    headings = re.findall(r"^#+ (.*)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_code_in_the_readme_stands_in_generated_files() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    generated = [path.read_text(encoding="utf-8") for path in (ROOT / "generated").glob("*.py")]
    shown = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert shown
    for part in (part for code in shown for part in code.split("        ...\n") if part.strip()):
        assert any(part.strip("\n") in file for file in generated), part
