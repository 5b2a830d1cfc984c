"""From functions to classes: functions that differ in numbers alone share a class.

A *variant* of a block is its body once every `if` is decided: layers, edges, results used, with
the numbers left out. Each variant becomes one class; the numbers in which its instances differ
become arguments of the constructor, under the names they have in the spec.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property

from specc.graph import Call, Function, Layer, Loop, Node, Origin, Scan
from specc.ops.base import Construction, LayerOp
from specc.terms import Term, substitute, symbols
from specc.values import Value, literal_term
from specc.words import is_python

Mask = tuple[bool, ...]
"""Which outputs of a function are used."""

Construct = Callable[[Layer], Construction | None]
"""How a target constructs a layer; `None` if it is no object there."""


@dataclass(eq=False)
class ClassPlan:
    """A class of the code to write.

    Attributes:
        name: `Residual`, and for a second variant `Residual2`.
        function: one of the functions that it stands for; they are alike but for numbers.
        members: all of them.
        used: which of its results anybody uses.
        needed: the symbols that its constructor needs.
        fixed: the symbols that are the same number in every instance.
        instances: the paths of its instances, such as `stage2.0`; the first few.
        is_stacked: whether an instance is called several times a step.
    """

    function: Function
    used: Mask
    needed: tuple[str, ...]
    name: str = ""
    members: list[Function] = field(default_factory=list)
    fixed: dict[str, Term] = field(default_factory=dict)
    instances: list[str] = field(default_factory=list)
    is_stacked: bool = False

    @property
    def arguments(self) -> tuple[str, ...]:
        """The constructor's arguments: sizes that come in first, then the spec's parameters."""
        return tuple(name for name in self.needed if name not in self.fixed)

    @cached_property
    def _places(self) -> dict[int, tuple[Function, int]]:
        return {id(n): (member, i) for member in self.members for i, n in enumerate(member.nodes)}

    def function_of(self, node: Node) -> Function:
        """The member that a node belongs to."""
        return self._places.get(id(node), (self.function, 0))[0]

    def peers(self, node: Node) -> list[Node]:
        """The nodes that stand at the place of `node`, a node of any member, in all of them."""
        if id(node) not in self._places:
            return [node]
        _, index = self._places[id(node)]
        return [member.nodes[index] for member in self.members]

    def settled(self, layer: Layer) -> Layer:
        """The layer with `fixed` numbers as such, so that one that is a default is left out."""
        written = layer.arguments.items()
        known = {n: Value(v.plain, substitute(v.term, self.fixed)) for n, v in written}
        return replace(layer, arguments=known)

    def layers_like(self, layer: Layer) -> list[Layer]:
        """The same layer in all members."""
        return [node for node in self.peers(layer) if isinstance(node, Layer)]


def in_general(layer: Layer) -> Construction | None:
    """How NumPy code constructs a layer, by the class that can do every case.

    A special one that leaves out numbers makes no class of a spec of its own.
    """
    op = layer.op
    if not isinstance(op, LayerOp):
        return None
    return op.construct_as(layer, op.general_kernel) if op.general_kernel else op.construct(layer)


class Classes:
    """The classes of a network, callees before callers; the net's own is the last."""

    def __init__(self, net: Function, construct: Construct = in_general) -> None:
        self.construct = construct
        self.plans: dict[object, ClassPlan] = {}
        self.by_function: dict[tuple[int, Mask], ClassPlan] = {}
        self._needed: dict[int, tuple[str, ...]] = {}
        self.net = self.plan_of(net, (True,) * len(net.outputs))
        for plan in self:
            _fix_numbers(plan)
        self._mark_stacked()
        _number_instances(self)

    def __iter__(self) -> Iterator[ClassPlan]:
        return iter(self.plans.values())

    def plan_of(self, function: Function, used: Mask) -> ClassPlan:
        """The class of a function of which these results are used."""
        known = self.by_function.get((id(function), used))
        if known is None:
            key = self._key(function, used)
            if key not in self.plans:
                self.plans[key] = ClassPlan(function, used, self._symbols(function))
            known = self.by_function[id(function), used] = self.plans[key]
            known.members.append(function)
        return known

    def plan_at(self, owner: ClassPlan, call: Call) -> ClassPlan:
        """The class that a call in any of `owner`'s functions constructs."""
        return self.plan_of(call.function, used_outputs(owner.function_of(call), call))

    def plans_in(self, owner: ClassPlan, loop: Loop) -> list[ClassPlan]:
        """The classes of a loop's iterations."""
        used = used_in_loop(owner.function, loop)
        return [self.plan_of(i.function, used[: len(i.function.outputs)]) for i in loop.iterations]

    def is_padded(self, cell: ClassPlan) -> bool:
        """Whether a class is a cell, and cells run along padded sequences."""
        if cell.function.origin is not Origin.CELL:
            return False
        scans = (n for plan in self for n in plan.function.nodes if isinstance(n, Scan))
        return any(scan.is_padded for scan in scans)

    def conditions(self, plan: ClassPlan) -> list[str]:
        """How the `if`s of a block went where its other variants went another way."""
        span = plan.function.span
        variants = [p.function.decisions for p in self if p.function.span == span]
        own = dict.fromkeys(plan.function.decisions)
        return [
            f"{'' if holds else 'not '}`{text}`"
            for text, holds in own
            if any((text, not holds) in other for other in variants)
        ]

    # ------------------------------------------------------------ what tells variants apart

    def _key(self, function: Function, used: Mask) -> object:
        position = {id(t): i for i, t in enumerate(function.inputs)}
        nodes = []
        for node in function.nodes:
            inputs = tuple(position.get(id(t), -1) for t in node.inputs)
            nodes.append((node.name, inputs, self._node_key(function, node)))
            for tensor in node.outputs:
                position[id(tensor)] = len(position)
        outputs = tuple(position[id(t)] for t in function.outputs)
        ranks = tuple(t.type.rank for t in function.inputs)
        return function.span, function.is_single, used, ranks, tuple(nodes), outputs

    def _node_key(self, function: Function, node: Node) -> object:
        if isinstance(node, Layer):
            structural = tuple(
                (a.name, node.arguments[a.name].plain)
                for a in node.op.arguments
                if a.structural and a.name in node.arguments
            )
            form = (node.op.name, structural, node.tensors, len(node.outputs), node.is_shared)
            return form, self._layer_terms(node)
        if isinstance(node, Call):
            plan = self.plan_of(node.function, used_outputs(function, node))
            terms = tuple(node.arguments[name].term for name in plan.needed)
            tensors = node.tensors if isinstance(node, Scan) else ()
            return id(plan), terms, node.is_shared, tensors, len(node.outputs)
        used = used_in_loop(function, node)
        runs: list[tuple[int, int]] = []
        starts: list[tuple[Term, ...]] = []
        for iteration in node.iterations:
            plan = self.plan_of(iteration.function, used[: len(iteration.function.outputs)])
            if runs and runs[-1][0] == id(plan):
                runs[-1] = (id(plan), runs[-1][1] + 1)
                continue
            runs.append((id(plan), 1))
            wanted = self._symbols(iteration.function)
            starts.append(tuple(iteration.arguments[name].term for name in wanted))
        alike = len(runs) == 1 and node.is_uniform and not node.taps
        values = node.values.term if node.values is not None else None
        made = runs[0][0] if alike else tuple(runs)
        return made, tuple(starts), node.count.term, values, node.variable

    # ------------------------------------------------------------ what constructors need

    def _symbols(self, function: Function) -> tuple[str, ...]:
        """The symbols that the constructor of a function's class needs, in a fixed order."""
        if id(function) not in self._needed:
            wanted: set[str] = set()
            for node in (*function.nodes, *function.shared):
                wanted.update(self._node_symbols(node))
            for size in function.state_sizes.values():
                wanted.update(symbols(size.term))
            sizes = [n for n in function.symbols if n.startswith("in_") and n in wanted]
            others = [n for n in function.symbols if n in wanted and n not in sizes]
            self._needed[id(function)] = (*sizes, *others)
        return self._needed[id(function)]

    def _node_symbols(self, node: Node) -> Iterator[str]:
        if isinstance(node, Layer):
            yield from symbols(self._layer_terms(node))
            return
        if isinstance(node, Call):
            for name in self._symbols(node.function):
                yield from symbols(node.arguments[name].term)
            return
        yield from symbols(node.count.term)
        if node.values is not None:
            yield from symbols(node.values.term)
        seen: set[int] = set()
        for iteration in node.iterations:
            if id(iteration.function) in seen:
                continue
            seen.add(id(iteration.function))
            for name in self._symbols(iteration.function):
                for found in symbols(iteration.arguments[name].term):
                    if found != node.variable:
                        yield found

    def _layer_terms(self, layer: Layer) -> tuple[Term, ...]:
        made = self.construct(layer)
        return made.terms if made is not None else ()

    # ------------------------------------------------------------ shared instances

    def _mark_stacked(self) -> None:
        """Instances that are called several times a step, and all below them."""
        for plan in reversed(list(self)):  # callers before callees
            for node in plan.function.nodes:
                again = plan.is_stacked or is_called_again(plan.function, node)
                again |= isinstance(node, Scan)
                for child in self.children(plan, node):
                    child.is_stacked |= again

    def children(self, plan: ClassPlan, node: Node) -> list[ClassPlan]:
        """The classes that a node calls."""
        if isinstance(node, Call):
            return [self.plan_at(plan, node)]
        if isinstance(node, Loop):
            return list({id(p): p for p in self.plans_in(plan, node)}.values())
        return []


def is_called_again(function: Function, node: Node) -> bool:
    """Whether a node is a use of a shared instance that has other uses too."""
    if isinstance(node, Loop) or not node.is_shared:
        return False
    uses = sum(1 for n in function.nodes if n.name == node.name)
    return uses > 1 or node.name in function.borrowed or _is_lent(function, node.name)


def _is_lent(function: Function, name: str) -> bool:
    """Whether a loop of the function uses one of its shared instances."""
    loops = (n for n in function.nodes if isinstance(n, Loop))
    return any(name in i.function.borrowed for loop in loops for i in loop.iterations)


def used_outputs(function: Function, node: Node) -> Mask:
    """Which results of a node's body anything reads.

    Of a shared block all, since one class does every use; of a cell, too: the next step may.
    """
    if isinstance(node, Scan):
        return (True,) * len(node.function.outputs)
    if isinstance(node, Call) and node.is_shared:
        return (True,) * len(node.outputs)
    return tuple(tensor in function.read for tensor in node.outputs)


def used_in_loop(function: Function, loop: Loop) -> Mask:
    """Which results of its body a loop uses in any iteration: the carried one, then the taps."""
    read = function.read
    carried = len(loop.iterations) > 1 or loop.outputs[0] in read
    taps = [
        any(position < len(i.taps) and i.taps[position] in read for i in loop.iterations)
        for position in range(len(loop.taps))
    ]
    return (carried, *taps)


def _fix_numbers(plan: ClassPlan) -> None:
    """Numbers that are the same in every instance are written into the class."""
    for name in plan.function.symbols:
        values: list[Value] = [member.symbols[name] for member in plan.members]
        first = values[0].plain
        if all(type(v.plain) is type(first) and v.plain == first for v in values):
            plan.fixed[name] = literal_term(first)


def _number_instances(classes: Classes) -> None:
    """Note where the instances of each class are, for its docstring."""

    def walk(plan: ClassPlan, path: str) -> None:
        if len(plan.instances) > 4:
            return
        plan.instances.append(path)
        is_single = plan.function.is_single  # such a loop is its call, in names, too
        seen = set(plan.function.borrowed)
        for node in plan.function.nodes:
            if isinstance(node, Call) and node.is_shared:
                if node.name in seen:
                    continue  # another use of the same instance
                seen.add(node.name)
            if isinstance(node, Call):
                inner = path if is_single else f"{path}.{node.name}".lstrip(".")
                walk(classes.plan_at(plan, node), inner)
            elif isinstance(node, Loop):
                for index, child in enumerate(classes.plans_in(plan, node)[:5]):
                    walk(child, f"{path}.{node.name}.{index}".lstrip("."))

    walk(classes.net, "")


def name_classes(classes: Classes, taken: Iterable[str], net_name: str) -> None:
    """Give every class its name.

    `taken` are the names of kernels and of the runtime: a class that would hide one gets `_net`.
    A loop's body is named after its label, under the class that it stands in.
    """
    names = _ClassNames(set(taken))
    classes.net.name = names.free(_camel(net_name))
    parents = {
        id(child): plan
        for plan in classes
        for node in plan.function.nodes
        for child in classes.children(plan, node)
    }
    for plan in _as_first_met(classes):
        if plan is classes.net or plan.function.is_single:
            continue
        parent = parents[id(plan)]
        is_loop = plan.function.origin is Origin.LOOP
        prefix = parent.name if is_loop and parent is not classes.net else ""
        plan.name = names.free(prefix + _camel(plan.function.name))


def _as_first_met(classes: Classes) -> list[ClassPlan]:
    """The classes in the order in which a reader of the spec meets them."""
    met: dict[int, ClassPlan] = {}
    pending = [classes.net]
    while pending:
        plan = pending.pop()
        if id(plan) not in met:
            met[id(plan)] = plan
            found = [c for node in plan.function.nodes for c in classes.children(plan, node)]
            pending += reversed(found)
    return list(met.values())


class _ClassNames:
    """Names that are given once."""

    def __init__(self, taken: set[str]) -> None:
        self.taken = taken
        self.given: set[str] = set()

    def free(self, name: str) -> str:
        """The name, with `_net` if it is taken, with a number if it was given before."""
        base = f"{name}_net" if name in self.taken or is_python(name) else name
        candidate, number = base, 2
        while candidate in self.given or candidate in self.taken:
            candidate = f"{base}_{number}" if base[-1].isdigit() else f"{base}{number}"
            number += 1
        self.given.add(candidate)
        return candidate


def _camel(name: str) -> str:
    """`dense_layer` becomes `DenseLayer`."""
    parts = [part for part in name.split("_") if part]
    camel = "".join(part[0].upper() + part[1:] for part in parts)
    return camel if camel.isidentifier() else f"Block{camel}"
