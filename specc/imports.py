"""Reading a file together with everything it imports."""

from __future__ import annotations

from pathlib import Path

from specc import syntax
from specc.diagnostics import CompileError, Diagnostic, Diagnostics, Label
from specc.model import Model, Names
from specc.parse import parse, read
from specc.resources import resource
from specc.source import Source, Span
from specc.suggest import closest

MOST_FILES = 200
"""No program may import more files than this."""


class Importer:
    """Loads files once each, and binds the names that imports bring in.

    An import is looked for beside the importing file, then in the shipped library. It may not
    leave the folder of the main file unless `allow_outside`; the library is always allowed.
    """

    def __init__(self, model: Model, diagnostics: Diagnostics, allow_outside: bool) -> None:
        self.model = model
        self.diagnostics = diagnostics
        self.library = resource("specs").resolve()
        path = model.program.source.path
        self.root = path.resolve().parent if path else None
        self.allow_outside = allow_outside
        self.programs: dict[Path, syntax.Program] = {}
        self.pending: list[tuple[Path, Span]] = []
        self.is_full = False

    def load(self, program: syntax.Program) -> Names:
        """The names of a file, those of its imports included."""
        names = Names()
        self.model.files[program.source] = names
        own = Names()
        for item in program.items:
            if isinstance(item, syntax.Import):
                self._bring_in(item, program.source, names)
        for item in program.items:
            if isinstance(item, syntax.Let | syntax.Block):
                self._declare(item, names, own)
        return names

    def _declare(self, item: syntax.Let | syntax.Block, names: Names, own: Names) -> None:
        earlier = names.span(item.name)
        if earlier is not None:
            self.diagnostics.add(rebound(item.name, item.name_span, earlier))
        elif isinstance(item, syntax.Let):
            names.lets[item.name] = own.lets[item.name] = item
        else:
            names.blocks[item.name] = own.blocks[item.name] = item

    def _bring_in(self, item: syntax.Import, importer: Source, names: Names) -> None:
        path = self._find(item, importer)
        program = self._program(path, item) if path is not None else None
        names.is_partial |= program is None or self.diagnostics.has_errors
        if program is None:
            return
        brought = self.model.files[program.source]
        for let in (i for i in program.items if isinstance(i, syntax.Let)):
            self._merge(let, item, names)
        for block in (i for i in program.items if isinstance(i, syntax.Block)):
            if brought.blocks.get(block.name) is block:
                self._merge(block, item, names)

    def _merge(self, found: syntax.Let | syntax.Block, item: syntax.Import, names: Names) -> None:
        earlier = names.span(found.name)
        if earlier is not None and earlier != found.name_span:
            self.diagnostics.add(
                rebound(found.name, item.span, earlier, "this import brings it in")
            )
        elif isinstance(found, syntax.Let):
            names.lets[found.name] = found
        else:
            names.blocks[found.name] = found

    def _program(self, path: Path, item: syntax.Import) -> syntax.Program | None:
        cycle = [i for i, (pending, _) in enumerate(self.pending) if pending == path]
        main = self.model.program.source.path
        if cycle or (main is not None and path == main.resolve()):
            self._report_cycle(path, item, cycle[0] if cycle else 0)
            return None
        if path in self.programs:
            return self.programs[path]
        if len(self.programs) + len(self.pending) >= MOST_FILES:
            if self.is_full:
                return None
            self.is_full = True
            self._fail("E0613", f"more than {MOST_FILES} files are imported", item, "one too many")
            return None
        try:
            source = read(path, name=self._display(path))
        except CompileError as error:
            for diagnostic in error.diagnostics:
                self.diagnostics.add(diagnostic)
            return None
        program = parse(source, self.diagnostics)
        self.pending.append((path, item.span))
        self.load(program)
        self.pending.pop()
        self.programs[path] = program
        return program

    def _display(self, path: Path) -> str:
        """How messages and code name an imported file: from the main file's folder."""
        main = self.model.program.source
        if self.root is not None and path.is_relative_to(self.root):
            folder = Path(main.name).parent
            return (folder / path.relative_to(self.root)).as_posix()
        if path.is_relative_to(self.library):
            return f"specs/{path.relative_to(self.library).as_posix()}"
        return path.name

    def _find(self, item: syntax.Import, importer: Source) -> Path | None:
        wanted = item.path
        if not wanted or "\0" in wanted or len(wanted) > 1000:
            self._fail("E0104", "`import` needs the name of a file", item, "this is none")
            return None
        candidates = [self.library / wanted]
        if importer.path is not None:
            candidates.insert(0, importer.path.resolve().parent / wanted)
        for candidate in candidates:
            if candidate.is_file():
                return self._permitted(candidate.resolve(), item)
        self._report_missing(item, candidates)
        return None

    def _permitted(self, path: Path, item: syntax.Import) -> Path | None:
        inside = path.is_relative_to(self.library) or (
            self.root is not None and path.is_relative_to(self.root)
        )
        if inside or self.allow_outside:
            return path
        self._fail(
            "E0106",
            f"`{item.span.text}` leaves the folder of the spec",
            item,
            "this file lies outside",
            help="pass `--allow-imports` if you trust that file",
        )
        return None

    def _report_missing(self, item: syntax.Import, candidates: list[Path]) -> None:
        siblings = [
            p.name
            for c in candidates
            if c.parent.is_dir()
            for p in c.parent.glob("*.net")
            if p.is_file()
        ]
        guess = closest(Path(item.path).name, siblings)
        better = str(Path(item.path).with_name(guess).as_posix()) if guess else ""
        self._fail(
            "E0104",
            f"there is no file `{item.path}` to import",
            item,
            "looked for beside this file, then in the shipped specs",
            help=f'did you mean `import "{better}"`?' if guess else "",
        )

    def _report_cycle(self, path: Path, item: syntax.Import, start: int) -> None:
        chain = [pending.name for pending, _ in self.pending[start:]]
        first = self.pending[start][1] if self.pending else None
        main = self.model.program.source.path
        if main is not None and path == main.resolve():
            chain = [path.name, *(pending.name for pending, _ in self.pending)]
            first = self.pending[0][1] if self.pending else None
        self._fail(
            "E0105",
            "these imports go round in a circle",
            item,
            "this closes the circle",
            second=Label(first, "it begins here") if first and first != item.span else None,
            note=" → ".join([*chain, path.name]),
            help="move what both need into a third file",
        )

    def _fail(
        self,
        code: str,
        message: str,
        item: syntax.Import,
        label: str,
        second: Label | None = None,
        note: str = "",
        help: str = "",
    ) -> None:
        self.diagnostics.add(
            Diagnostic(code, message, Label(item.span, label), second, note=note, help=help)
        )


def rebound(
    name: str, span: Span, earlier: Span, label: str = "bound again here", help: str = ""
) -> Diagnostic:
    """The diagnostic of a name that is bound a second time."""
    return Diagnostic(
        "E0102",
        f"the name `{name}` is bound twice",
        Label(span, label),
        Label(earlier, "first bound here"),
        help=help or f"call one of them something else, such as `{name}2`",
    )
