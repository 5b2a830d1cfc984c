"""The constructors: which parts a class has, and with which numbers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from specc import terms
from specc.classes import Classes, ClassPlan
from specc.graph import Call, Iteration, Layer, Loop, Node
from specc.ops.base import Construction
from specc.rendering import kernel_classes
from specc.targets.layout import WIDTH, call, indented
from specc.terms import Symbol, Term, render, substitute, symbols
from specc.words import variables


class Constructor(ABC):
    """Writes the constructor of one class.

    Attributes:
        target: whose templates define the classes of layers.
        list_of: the brackets around the parts of a loop.
    """

    target: ClassVar[str]
    list_of: ClassVar[tuple[str, str]]

    def __init__(self, plan: ClassPlan, classes: Classes) -> None:
        self.plan = plan
        self.classes = classes
        loops = [n.variable for n in plan.function.nodes if isinstance(n, Loop) and n.variable]
        called = {*kernel_classes(self.target), *(p.name for p in classes)}
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
                    arguments = making.arguments(self.fixed)
                    lines += call(f"self.{node.name} = {making.kernel}(", arguments)
        if self.plan.function.states:
            sizes = self.plan.function.state_sizes.items()
            terms_ = ((name, substitute(size.term, self.fixed)) for name, size in sizes)
            lines += call("self.sizes = {", [f'"{name}": {render(t)}' for name, t in terms_], "}")
        return lines

    def _parts(self) -> Iterator[Node]:
        """The nodes that the class owns; shared instances that only loops use come first."""
        function = self.plan.function
        yield from (n for n in function.shared if all(n is not m for m in function.nodes))
        for node in function.nodes:
            if isinstance(node, Loop) or node.name not in function.borrowed:
                yield node

    # ------------------------------------------------------------ one part

    def making(self, owner: ClassPlan, node: Layer | Call) -> Construction | None:
        """How a node of `owner` is made; `None` for a function, which is no object."""
        if isinstance(node, Layer):
            return self.layer(owner, node)
        child = self.classes.plan_at(owner, node)
        return Construction(child.name, tuple(node.arguments[n].term for n in child.arguments))

    @abstractmethod
    def layer(self, owner: ClassPlan, layer: Layer) -> Construction | None:
        """The same for a layer."""

    # ------------------------------------------------------------ loops

    def _loop(self, loop: Loop) -> list[str]:
        """`self.repeat1 = [Residual(64) for _ in range(2)]`, or a loop that threads sizes."""
        runs = list(self._runs(loop))
        writer = _LoopWriter(self, loop)
        if len(runs) == 1:
            return writer.whole(*runs[0])
        lines = [f"self.{loop.name} = {''.join(self.list_of)}"]
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
        opening, closing = self.constructor.list_of
        target = f"self.{self.loop.name} = {opening}"
        if threaded:
            return [f"{target}{closing}", *self.run(start, stop)]
        one = f"{making.kernel}({', '.join(making.arguments(names))})"
        head = f"for {self._variable(making)} in {self._range(start, stop)}"
        if len(f"{target}{one} {head}{closing}") + 8 <= WIDTH:
            return [f"{target}{one} {head}{closing}"]
        return [target, f"    {one}", f"    {head}", closing]

    def run(self, start: int, stop: int) -> list[str]:
        """Iterations `start` to `stop`, appended one after the other."""
        names, threaded, making = self._names(start, stop)
        lines = [f"{local} = {begin}" for local, begin, _ in threaded if begin != local]
        is_one = stop - start == 1 and not threaded
        if is_one:
            names = {n: substitute(term, self._element(start)) for n, term in names.items()}
        made = making.arguments(names)
        append = call(f"self.{self.loop.name}.append({making.kernel}(", made, "))", 12)
        if is_one:
            return append
        variable = self._variable(making, [step for _, _, step in threaded])
        lines.append(f"for {variable} in {self._range(start, stop)}:")
        lines += indented(append)
        for local, _, step in threaded:
            lines.append(f"    {_assignment(local, step)}")
        return lines

    # ------------------------------------------------------------ names and sizes

    def _names(
        self, start: int, stop: int
    ) -> tuple[dict[str, Term], list[tuple[str, str, Term]], Construction]:
        """What the body's symbols are in the constructor around the loop.

        Returns them, the sizes to thread as (variable, first value, next value), and what the
        body is made by.
        """
        iterations = self.loop.iterations[start:stop]
        plan = self.plans[start]
        making = self._making(plan, iterations[0])
        names: dict[str, Term] = {}
        threaded: dict[str, str] = {}
        wanted = list(dict.fromkeys(symbols(making.terms)))
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

    def _element(self, position: int) -> dict[str, Term]:
        """What the loop's variable is in one round, where that is written without a `for`."""
        loop = self.loop
        if loop.variable is None or loop.values is None:
            return {}
        word = self.constructor.words[loop.variable]
        values = substitute(loop.values.term, self.fixed)
        if isinstance(values, tuple):
            return {word: values[position]}
        return {word: terms.integer(terms.Operation("[]", (values, position)))}

    def _varies(self, name: str, start: int, stop: int) -> bool:
        """Whether a symbol is not the same in all iterations, in any instance of the class."""
        is_all = stop - start == len(self.loop.iterations)
        for peer in self.peers:
            own = peer.iterations if is_all else peer.iterations[start:stop]
            written = [substitute(i.arguments[name].term, self.fixed) for i in own]
            if any(value != written[0] for value in written):
                return True
        return False

    def _making(self, plan: ClassPlan, iteration: Iteration) -> Construction:
        """A body that is one call is made as that call is."""
        function = iteration.function
        if function.is_single:
            (node,) = function.nodes
            assert not isinstance(node, Loop)
            making = self.constructor.making(plan, node)
            assert making is not None
            return making.with_names(plan.fixed)
        return Construction(plan.name, tuple(Symbol(n) for n in plan.arguments))

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

    def _variable(self, making: Construction, steps: list[Term] | None = None) -> str:
        used = {*symbols(making.terms), *(s for step in steps or () for s in symbols(step))}
        if self.loop.variable is None:
            return "_"
        word = self.constructor.words[self.loop.variable]
        return word if used & {self.loop.variable, word} else "_"

    def _range(self, start: int, stop: int) -> str:
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
