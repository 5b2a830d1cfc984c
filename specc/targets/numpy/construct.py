"""The constructors: which layers a class has, and with which numbers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from specc import terms
from specc.classes import Classes, ClassPlan
from specc.differentiate import BackwardGraph
from specc.graph import Call, Iteration, Layer, Loop, Node
from specc.ops.base import LayerOp
from specc.rendering import kernel_classes
from specc.targets.layout import call, indented
from specc.terms import Symbol, Term, render, substitute, symbols
from specc.words import variables


@dataclass(frozen=True)
class Making:
    """How one part is made: its class, positional and named arguments."""

    kernel: str
    positional: tuple[Term, ...]
    keywords: Mapping[str, Term]

    def written(self, names: Mapping[str, Term]) -> tuple[str, list[str]]:
        """The class and the arguments as source, with `names` put in."""
        arguments = [render(substitute(t, names)) for t in self.positional]
        arguments += [f"{k}={render(substitute(t, names))}" for k, t in self.keywords.items()]
        return self.kernel, arguments

    def symbols(self) -> Iterator[str]:
        """The names that its arguments use."""
        yield from symbols((*self.positional, *self.keywords.values()))


class Constructor:
    """Writes the constructor of one class."""

    def __init__(self, plan: ClassPlan, classes: Classes, graphs: Mapping[int, BackwardGraph]):
        self.plan = plan
        self.classes = classes
        self.graphs = graphs
        loops = [n.variable for n in plan.function.nodes if isinstance(n, Loop) and n.variable]
        called = {*kernel_classes("numpy"), *(p.name for p in classes)}
        self.words = variables([*plan.arguments, *loops], called)
        self.fixed = {**plan.fixed, **{n: Symbol(word) for n, word in self.words.items()}}

    def lines(self) -> list[str]:
        """The body of `__init__`, a line for each part in the order of the spec."""
        lines: list[str] = []
        made: set[str] = set()
        for node in self._parts():
            if node.name in made:
                continue
            made.add(node.name)
            if isinstance(node, Loop):
                lines += self._loop(node)
            else:
                making = self.making(self.plan, node)
                if making is not None:
                    kernel, arguments = making.written(self.fixed)
                    lines += call(f"self.{node.name} = {kernel}(", arguments)
        if self.plan.is_stacked and self.graphs[id(self.plan)].kept:
            lines.append("self.calls = []")
        return lines

    def _parts(self) -> Iterator[Node]:
        """The nodes that the class owns; shared instances that only loops use come first."""
        function = self.plan.function
        yield from (n for n in function.shared if all(n is not m for m in function.nodes))
        for node in function.nodes:
            if isinstance(node, Loop) or node.name not in function.borrowed:
                yield node

    # ------------------------------------------------------------ one part

    def making(self, owner: ClassPlan, node: Layer | Call) -> Making | None:
        """How a node of `owner` is made; `None` for a function, which is no object."""
        if isinstance(node, Call):
            child = self.classes.plan_at(owner, node)
            arguments = tuple(node.arguments[name].term for name in child.arguments)
            return Making(child.name, arguments, {})
        if not isinstance(node.op, LayerOp):
            return None
        kernel = node.op.kernel(owner.layers_like(node))
        made = node.op.construct_as(node, kernel)
        keywords = dict(made.keywords)
        differentiated = self.graphs[id(owner)].differentiated
        if node.op.parameters(node) and not (node.is_shared or node.name in differentiated):
            keywords["input_gradient"] = False
        return Making(kernel, made.positional, keywords)

    # ------------------------------------------------------------ loops

    def _loop(self, loop: Loop) -> list[str]:
        """`self.repeat1 = [Residual(64) for _ in range(2)]`, or a loop that threads sizes."""
        runs = list(self._runs(loop))
        writer = _LoopWriter(self, loop)
        if len(runs) == 1:
            return writer.whole(*runs[0])
        lines = [f"self.{loop.name} = []"]
        for start, stop in runs:
            lines += writer.run(start, stop)
        return lines

    def _runs(self, loop: Loop) -> Iterator[tuple[int, int]]:
        """Stretches of iterations that are of one class."""
        plans = self.classes.plans_in(self.plan, loop)
        start = 0
        for position in range(1, len(plans) + 1):
            if position == len(plans) or plans[position] is not plans[start]:
                yield start, position
                start = position


class _LoopWriter:
    """Writes the construction of a loop's parts."""

    def __init__(self, constructor: Constructor, loop: Loop) -> None:
        self.constructor = constructor
        self.loop = loop
        self.fixed = constructor.fixed
        self.plans = constructor.classes.plans_in(constructor.plan, loop)
        self.peers = [n for n in constructor.plan.peers(loop) if isinstance(n, Loop)]

    def whole(self, start: int, stop: int) -> list[str]:
        """All iterations are alike: a comprehension, if no size has to be threaded."""
        names, threaded, making = self._names(start, stop)
        if threaded:
            return [f"self.{self.loop.name} = []", *self.run(start, stop)]
        kernel, arguments = making.written(names)
        head = f"for {self._variable(making)} in {self._range(start, stop, making)}]"
        one = f"self.{self.loop.name} = [{kernel}({', '.join(arguments)}) {head}"
        if len(one) + 8 <= 100:
            return [one]
        return [
            f"self.{self.loop.name} = [",
            f"    {kernel}({', '.join(arguments)})",
            f"    {head[:-1]}",
            "]",
        ]

    def run(self, start: int, stop: int) -> list[str]:
        """Iterations `start` to `stop`, appended one after the other."""
        names, threaded, making = self._names(start, stop)
        kernel, arguments = making.written(names)
        lines = []
        for local, begin, _ in threaded:
            if begin != local:
                lines.append(f"{local} = {begin}")
        append = call(f"self.{self.loop.name}.append({kernel}(", arguments, "))", 12)
        if stop - start == 1 and not threaded:
            return append
        variable = self._variable(making, [step for _, _, step in threaded])
        lines.append(f"for {variable} in {self._range(start, stop, making)}:")
        lines += indented(append)
        for local, _, step in threaded:
            lines.append(f"    {_assignment(local, step)}")
        return lines

    # ------------------------------------------------------------ names and sizes

    def _names(
        self, start: int, stop: int
    ) -> tuple[dict[str, Term], list[tuple[str, str, Term]], Making]:
        """What the body's symbols are in the constructor around the loop.

        Returns them, the sizes to thread as (variable, first value, next value), and what the
        body is made by.
        """
        iterations = self.loop.iterations[start:stop]
        plan = self.plans[start]
        making = self._making(plan, iterations[0])
        names: dict[str, Term] = {}
        threaded: dict[str, str] = {}
        wanted = list(dict.fromkeys(making.symbols()))
        steps: list[tuple[str, str, Term]] = []
        while wanted:
            name = wanted.pop(0)
            if name in names:
                continue
            first = substitute(iterations[0].arguments[name].term, self.fixed)
            if not self._varies(name, start, stop):
                names[name] = first
                continue
            local = self._local(name)
            threaded[name] = render(first)
            names[name] = terms.symbol(local)
            step = self._next_size(iterations[0], name)
            wanted += [s for s in symbols(step) if s not in names]
        for name, begin in threaded.items():
            step = substitute(self._next_size(iterations[0], name), names)
            steps.append((render(names[name]), begin, step))
        return names, steps, making

    def _varies(self, name: str, start: int, stop: int) -> bool:
        """Whether a symbol is not the same in all iterations, in any instance of the class."""
        is_all = stop - start == len(self.loop.iterations)
        for peer in self.peers:
            own = peer.iterations if is_all else peer.iterations[start:stop]
            written = [substitute(i.arguments[name].term, self.fixed) for i in own]
            if any(value != written[0] for value in written):
                return True
        return False

    def _making(self, plan: ClassPlan, iteration: Iteration) -> Making:
        """A body that is one call is made as that call is."""
        function = iteration.function
        if function.is_single:
            (node,) = function.nodes
            assert not isinstance(node, Loop)
            making = self.constructor.making(plan, node)
            assert making is not None
            return Making(
                making.kernel,
                tuple(substitute(t, plan.fixed) for t in making.positional),
                {k: substitute(t, plan.fixed) for k, t in making.keywords.items()},
            )
        return Making(plan.name, tuple(Symbol(n) for n in plan.arguments), {})

    def _local(self, name: str) -> str:
        """A variable for a size that changes from iteration to iteration."""
        taken = self.constructor.words.values()
        plain = name.removeprefix("in_")
        tried = (plain, name, f"next_{plain}", f"next_{name}")
        free = (n for n in tried if n not in taken)
        return next(free, None) or variables([plain], taken)[plain]

    def _next_size(self, iteration: Iteration, name: str) -> Term:
        """The size in the next iteration, in the symbols of this one."""
        function = iteration.function
        for axis, size in enumerate(function.inputs[0].type.shape):
            if size.term == terms.symbol(name):
                return function.outputs[0].type.shape[axis].term
        raise LookupError(f"`{name}` of `{self.loop.name}` changes, and no rule says how")

    def _variable(self, making: Making, steps: list[Term] | None = None) -> str:
        used = {*making.symbols(), *(s for step in steps or () for s in symbols(step))}
        if self.loop.variable is None:
            return "_"
        word = self.constructor.words[self.loop.variable]
        return word if used & {self.loop.variable, word} else "_"

    def _range(self, start: int, stop: int, making: Making) -> str:
        count = len(self.loop.iterations)
        if self.loop.values is not None and self.loop.variable is not None:
            values = substitute(self.loop.values.term, self.fixed)
            if isinstance(values, tuple):
                items = values[start:stop]
                if items == tuple(range(stop)):
                    return f"range({stop})"
                return render(items)
            whole = render(values)
            return whole if stop - start == count else f"{whole}[{start}:{stop}]"
        if stop - start == count:
            return f"range({render(substitute(self.loop.count.term, self.fixed))})"
        return f"range({stop - start})"


def _assignment(local: str, value: Term) -> str:
    """`channels += growth` where that is what happens, else `channels = …`."""
    if isinstance(value, terms.Polynomial):
        rise = value - terms.symbol(local)
        if local not in symbols(rise):
            return f"{local} += {render(rise)}"
    return f"{local} = {render(value)}"
