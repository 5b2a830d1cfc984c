"""Watching generated code at work: every tensor that its blocks make, by a name both sides have.

Calls of a `Recorder` are put into the syntax tree of the code when it is loaded, behind every
assignment to a variable and around every result of a `forward`.
"""

from __future__ import annotations

import ast
import linecache
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

NOTE, RESULT = "__specc_note__", "__specc_result__"
"""What the calls are named in the module."""

_WATCHED = ("forward", "run", "step")
"""The methods of a block, of a network, and of a cell at one step."""

_LOOP = "Cell"
"""The class that runs cells along sequences, in its own way on each side."""


@dataclass(slots=True)
class Trace:
    """What one pass made: arrays in the public layout, by a name and which call of it this is.

    The result of the instance `stage1.conv2` goes by that name, a second one by `stage1.conv2[1]`,
    a variable of a block's `forward` by the block's path and its own name: `stage1:relu1`.

    Attributes:
        forward: the tensors, in the order in which they are made.
        outputs: those of the network.
        calls: how many there are of a name.
        gradients: those of the same tensors.
        passed: the gradients that a layer hands to its inputs, by path, call and input.
        steps: the gradients of the results of a cell's step, by path, call and result.
        order: in which order the backward passes of layers and steps ran, as (path, call).
        learned: the gradients of parameters at the end.
    """

    forward: dict[tuple[str, int], Any] = field(default_factory=dict)
    outputs: Mapping[str, Any] = field(default_factory=dict)
    calls: Counter[str] = field(default_factory=Counter)
    gradients: dict[tuple[str, int], Any] = field(default_factory=dict)
    passed: dict[tuple[str, int, int], Any] = field(default_factory=dict)
    steps: dict[tuple[str, int, int], Any] = field(default_factory=dict)
    order: list[tuple[str, int]] = field(default_factory=list)
    learned: Mapping[str, Any] = field(default_factory=dict)


class Recorder:
    """Gets the tensors of one network; keeps them while there is a `trace`.

    `array` copies a tensor, or gives `None` for anything else that a variable may hold. `paths`
    are those of the network's blocks and layers, by their `id`, and `results` says how many
    results of a layer count, by its path. `outputs` is what the network's own pass returned last,
    with or without a trace.
    """

    def __init__(self, array: Callable[[Any], Any]) -> None:
        self.array = array
        self.paths: Mapping[int, str] = {}
        self.results: Mapping[str, int] = {}
        self.trace: Trace | None = None
        self.outputs: tuple[Any, ...] = ()

    def keep(self, trace: Trace, name: str, value: Any) -> None:
        """Keep a tensor, or each of several that counts."""
        values = value if isinstance(value, tuple) else (value,)
        for index, item in enumerate(values[: self.results.get(name)]):
            self.keep_one(trace, numbered(name, index), item)

    def keep_one(self, trace: Trace, name: str, value: Any) -> None:
        """Keep a tensor."""
        array = self.array(value)
        if array is not None:
            trace.forward[name, trace.calls[name]] = array
            trace.calls[name] += 1

    def note(self, part: object, name: str, value: Any) -> None:
        """A variable of a block's `forward` has got a value."""
        path = self.paths.get(id(part))
        if self.trace is not None and path is not None and path not in self.results:
            self.keep(self.trace, f"{path}:{name}", value)

    def result(self, part: object, method: str, value: Any) -> Any:
        """A `forward` returns."""
        path = self.paths.get(id(part))
        if path == "" and method == ("run" if hasattr(part, "run") else "forward"):
            self.outputs = value if isinstance(value, tuple) else (value,)
        if self.trace is not None and path:
            self.keep(self.trace, path, tuple(value) if isinstance(value, list) else value)
        return value


def numbered(name: str, index: int) -> str:
    """The name of a result: the first one's is the path itself."""
    return f"{name}[{index}]" if index else name


def load(name: str, text: str, recorder: Recorder) -> ModuleType:
    """Generated code as a module whose forward passes report to a recorder.

    It lies in no file; tracebacks can show it all the same.
    """
    file = f"<{name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    tree = ast.fix_missing_locations(_Instrument().visit(ast.parse(text, file)))
    module = ModuleType(name)
    vars(module).update({NOTE: recorder.note, RESULT: recorder.result})
    exec(compile(tree, file, "exec"), vars(module))
    return module


class _Instrument(ast.NodeTransformer):
    """Puts the calls in."""

    method = ""

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        return node if node.name == _LOOP else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        is_watched = node.name in _WATCHED and [a.arg for a in node.args.args[:1]] == ["self"]
        around, self.method = self.method, node.name if is_watched else ""
        self.generic_visit(node)
        self.method = around
        return node

    def visit_Assign(self, node: ast.Assign) -> ast.AST | list[ast.stmt]:
        stored = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        names = [name for name in stored if name not in ("self", "_")] if self.method else []
        calls = (_call(NOTE, name, ast.Name(name, ast.Load())) for name in names)
        return [node, *(ast.copy_location(ast.Expr(call), node) for call in calls)]

    def visit_Return(self, node: ast.Return) -> ast.AST:
        if self.method not in ("", "step") and node.value is not None:
            node.value = _call(RESULT, self.method, node.value)
        return node


def _call(function: str, name: str, value: ast.expr) -> ast.Call:
    """`function(self, "name", value)`."""
    arguments = [ast.Name("self", ast.Load()), ast.Constant(name), value]
    return ast.Call(ast.Name(function, ast.Load()), arguments, [])
