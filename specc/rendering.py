"""The template engine: what a template uses and what it is given must be the same."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

import jinja2
from jinja2 import meta, nodes

from specc.literal import literal
from specc.resources import resource


class TemplateError(Exception):
    """A template and its context do not fit: a bug in specc."""


@cache
def environment(target: str) -> jinja2.Environment:
    """The environment of a target's templates, and of those that all targets share."""
    folders = [resource("templates", folder) for folder in (target, "common")]
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folders),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # it writes Python, not HTML; names are checked before they get here
    )
    made.filters["literal"] = literal
    return made


@cache
def variables(target: str, name: str) -> frozenset[str]:
    """The names that a template, and what it includes, takes from its context."""
    engine = environment(target)
    loader = engine.loader
    assert loader is not None
    text, _, _ = loader.get_source(engine, f"{name}.py.j2")
    tree = engine.parse(text)
    own = {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}
    included = (n.template for n in tree.find_all(nodes.Include))
    parts = (t.value.removesuffix(".py.j2") for t in included if isinstance(t, nodes.Const))
    used = meta.find_undeclared_variables(tree).union(*(variables(target, p) for p in parts))
    return frozenset(used - own)


@cache
def kernel_classes(target: str) -> frozenset[str]:
    """The names of all classes that the templates of a target define, shared ones included.

    Those are written as they are, `class Dense(Module)`, or listed where one text serves several:
    `for kernel in ["L1", "MaskedL1"]`.
    """
    found: set[str] = set()
    folders = [resource("templates", folder) for folder in (target, "common")]
    for path in (path for folder in folders for path in folder.rglob("*.j2")):
        text = path.read_text("utf-8")
        found.update(re.findall(r"^(?:\{\{[^}]*\}\})?class (\w+)", text, re.MULTILINE))
        for listed in re.findall(r"for kernel in \[(.*?)\]", text):
            found.update(re.findall(r'"(\w+)"', listed))
    return frozenset(found)


def render(target: str, name: str, /, **context: object) -> str:
    """A template as text, with no blank lines around it.

    Raises:
        TemplateError: if the template uses a name that it is not given, or is given one that it
            does not use.
    """
    name = name.removesuffix(".py.j2")
    used = variables(target, name)
    if used != context.keys():
        raise TemplateError(
            f"{name}: missing {sorted(used - context.keys())}, "
            f"unused {sorted(context.keys() - used)}"
        )
    return environment(target).get_template(f"{name}.py.j2").render(**context).strip("\n")


def render_some(target: str, name: str, context: Mapping[str, object]) -> str:
    """A template that may leave out a part of its context: another target's may need it."""
    used = variables(target, name.removesuffix(".py.j2"))
    return render(target, name, **{key: context[key] for key in context if key in used})


def has_template(target: str, name: str) -> bool:
    """Whether there is a template of this name for a target."""
    return f"{name.removesuffix('.py.j2')}.py.j2" in _templates(target)


@cache
def _templates(target: str) -> frozenset[str]:
    """The files of all templates for a target."""
    return frozenset(environment(target).list_templates())
