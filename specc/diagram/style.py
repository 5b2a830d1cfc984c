"""How a picture looks: one font, a few quiet colours, told apart by the colour-blind too.

The colours of the families are tints of the palette of Okabe and Ito 2008.
"""

from __future__ import annotations

from collections.abc import Sequence

FONT = "Helvetica,Arial,sans-serif"
INK, QUIET, LINE = "#1f2328", "#59636e", "#818b98"
SKIP, DARK, FLOW = "#0072b2", "#3d4650", "#8a4a73"

GRAPH = {
    "fontcolor": INK,
    "fontname": FONT,
    "fontsize": "16",
    "labelloc": "t",
    "margin": "0.1",
    "nodesep": "0.42",
    "pad": "0.2",
    "rankdir": "TB",
    "ranksep": "0.22",
}
NODE = {
    "color": LINE,
    "fontcolor": INK,
    "fontname": FONT,
    "fontsize": "11",
    "height": "0.28",
    "margin": "0.12,0.07",
    "shape": "box",
    "style": "rounded,filled",
    "width": "0.9",
}
EDGE = {
    "arrowsize": "0.6",
    "color": LINE,
    "fontcolor": QUIET,
    "fontname": FONT,
    "fontsize": "9",
    "weight": "1000",
}
"""The weight keeps lines straight, at the price of wider clusters."""

_BLUE = ("#deebf7", "#4a90c2")
_SKY = ("#e3f4fb", "#56b4e9")
_GREEN = ("#dff3ec", "#2f9e7c")
_YELLOW = ("#fdf3d6", "#d9a520")
_PURPLE = ("#f6e6f0", "#c078a5")
_ORANGE = ("#fbe3d6", "#d55e00")
_GREY = ("#f1f3f5", "#9aa4ae")
_FAMILIES = {
    "convolution": _BLUE,
    "affine": _PURPLE,
    "sequence": _PURPLE,
    "pooling": _GREEN,
    "normalisation": _SKY,
    "activation": _YELLOW,
    "loss": _ORANGE,
}
_CLUSTERS = ("#f8fafb", "#eef2f5")
_PARTS = ("#d55e00", "#009e73", "#cc79a7", "#0072b2", "#e69f00", "#56b4e9")


def layer(family: str, is_shared: bool) -> dict[str, str]:
    """A layer of a family; the uses of a shared instance have a double edge."""
    fill, line = _FAMILIES.get(family, _GREY)
    style = {"fillcolor": fill, "color": line}
    return style | {"peripheries": "2"} if is_shared else style


SIGN = {
    "shape": "circle",
    "style": "filled",
    "fillcolor": "white",
    "color": INK,
    "fixedsize": "true",
    "fontsize": "16",
    "height": "0.3",
    "margin": "0",
    "width": "0.3",
}
"""A join that is a sign in a circle."""


def end(is_target: bool) -> dict[str, str]:
    """An input or output of the net, or a target."""
    if is_target:
        return {"fillcolor": "white", "style": "rounded,filled,dashed"}
    return {"fillcolor": DARK, "color": DARK, "fontcolor": "white"}


def box(is_shared: bool, part: int | None) -> dict[str, str]:
    """A block that is drawn as one node; in the colour of its part, if it is drawn apart."""
    style = {"fillcolor": _CLUSTERS[1], "color": QUIET, "height": "0.4"}
    if part is not None:
        style |= {"fillcolor": "white", "color": _PARTS[part % len(_PARTS)], "penwidth": "2"}
    return style | {"peripheries": "2"} if is_shared else style


def cluster(level: int, is_shared: bool, is_loop: bool) -> dict[str, str]:
    """A block or loop with its contents; neighbours in depth differ in shade."""
    return {
        "bgcolor": _CLUSTERS[level % 2],
        "color": QUIET if is_shared else "#c4ccd4",
        "label": "",
        "margin": "10",
        "penwidth": "1.6" if is_shared or is_loop else "1",
        "style": "rounded",
    }


def part(number: int) -> dict[str, str]:
    """A kind of block that is drawn once, beside the net."""
    colour = _PARTS[number % len(_PARTS)]
    return cluster(0, is_shared=False, is_loop=False) | {"color": colour, "penwidth": "2"}


AROUND = {"color": "none", "label": "", "margin": "14"}
"""What keeps a part at a distance from its neighbours."""
STUB = {"fontcolor": QUIET, "fontsize": "9", "height": "0", "shape": "plain", "style": ""}
"""A shape that comes into a part, or leaves it."""
STACK = CAPTION = {"margin": "0", "shape": "plain", "style": ""}
"""A table: layers that stand on one another, a join as a bar, a caption."""
LABEL = {"fontsize": NODE["fontsize"], "labeljust": "l", "labelloc": "b"}
"""The caption of a cluster where the picture goes upwards, at its upper left."""

STATE = {"color": FLOW, "fillcolor": "white", "margin": "0.04,0.02", "width": "0.4"}
"""A state of a cell, where it comes in or leaves."""
COPY = {"height": "0.28", "margin": "0.04,0.04", "penwidth": "1", "width": "0.5"}
"""One step of what is drawn unrolled."""
DOTS = {"height": "0.28", "margin": "0", "shape": "plaintext", "style": "", "width": "0.3"}
"""The steps that are not drawn."""


def point(colour: str = LINE, size: str = "0.02") -> dict[str, str]:
    """A point of a line."""
    return {"color": colour, "height": size, "shape": "point", "width": size}


FORK = point(size="0.06")
"""Where a tensor branches that comes into a cluster."""
BEND = point(SKIP)
"""Where a shortcut is led past the layers beside it."""
UNSEEN = point() | {"style": "invis"}

# ---------------------------------------------------------------- edges

LIGHT = {"weight": "1"}
"""Edges that bend where they meet, so that others stay straight."""
HEAVY = {"weight": EDGE["weight"]}
ORDER = {"style": "invis", "weight": "1"}
"""An edge that is not seen, and puts one node at the left of another."""
ABOVE = ORDER | {"weight": "9"}
"""An edge that is not seen, and puts a caption above the first of several paths."""
PLUMB = ORDER | HEAVY
"""An edge that is not seen, and puts a join straight below the fork where its ways begin."""
LINE_ON = {"arrowhead": "none"}
"""An edge to a point where its line goes on."""
SHORT = {"color": SKIP, "penwidth": "1.8", "weight": "0"}
"""An edge that carries a tensor past other layers, as in a residual block."""
TAP = {"color": SKIP, "fontcolor": SKIP, "weight": "1"}
"""An edge from inside a loop to where it is tapped."""
TO_TARGET = {"style": "dashed", "weight": "1"}
"""The edge from a target to its loss."""
TIME = {"color": FLOW, "fontcolor": FLOW, "penwidth": "1.6"}
"""An edge from one time step to the next."""
BACK = TIME | {"dir": "back"}
"""The same, drawn from right to left."""
ROW, ROW_BACK = TIME | {"weight": "0"}, BACK | {"weight": "0"}
"""These between copies side by side, which stand where their sequences have places."""
FLOW_ON = TIME | {"weight": "0"}
"""The states in which one sequence ends and another begins."""
NEXT = BACK | {"style": "dashed"}
"""The way of a state from the end of a step to the beginning of the next, drawn downwards."""

NEXT_STEP = {"label": " next step "}
"""What is said of the first of these."""
LOOP = TIME | {"headport": "e", "tailport": "e"}
"""An edge from a node to itself in the next step."""
BOTH = LOOP | {"dir": "both"}
"""The same, where there is one from each end of the sequence."""

# ---------------------------------------------------------------- labels


def bar(text: str, count: int, *, is_below: bool = False, wide: int = 220) -> str:
    """A join as a bar across the paths that end there, with a port `i0` for each.

    `is_below`: the ports are below the text. `wide`: the width of a port, unless there are two.
    """
    width = 70 if count == 2 else max(wide - 5 * count, 20)
    ports = "".join(f'<td port="i{i}" width="{width}" height="3"></td>' for i in range(count))
    table = f'<table border="0" cellborder="0" cellspacing="0" cellpadding="1" bgcolor="{DARK}">'
    word = f'<font color="white">{_escaped(text)}</font>'
    rows = [f"<tr>{ports}</tr>", f'<tr><td colspan="{count}">{word}</td></tr>']
    return f"<{table}{''.join(reversed(rows) if is_below else rows)}</table>>"


Terms = Sequence[tuple[str, str]]
"""Variables with their indices."""


def formula(terms: Terms) -> str:
    """Variables with their indices, the variables slanted."""
    return f"<{', '.join(_variable(*term) for term in terms)}>"


def strip(places: Sequence[Terms], width: int, lanes: int) -> str:
    """A sequence as a strip: a place for each step, variables with their index or dots in it.

    Lines come in at ports below, `b0.0`, and leave above, `t0.0`: `lanes` of them at each place.
    """
    ports = range(len(places) * lanes)
    rows = [
        "".join(_port(f"{side}{i // lanes}.{i % lanes}", width // lanes) for i in ports)
        for side in "tb"
    ]
    texts = "".join(_place(place, i, lanes) for i, place in enumerate(places))
    table = '<table border="0" cellborder="0" cellpadding="0" cellspacing="0">'
    return f"<{table}<tr>{rows[0]}</tr><tr>{texts}</tr><tr>{rows[1]}</tr></table>>"


def _port(name: str, width: int) -> str:
    return f'<td port="{name}" width="{width}" height="1"></td>'


def _place(terms: Terms, index: int, lanes: int) -> str:
    sides, height = "trb" if index else "ltrb", 22 if terms else 6
    look = f'port="p{index}" border="1" sides="{sides}" color="{LINE}" bgcolor="white"'
    text = ", ".join(_variable(*term) if term[0] else term[1] for term in terms)
    return f'<td {look} colspan="{lanes}" height="{height}">{text}</td>'


def _variable(name: str, index: str) -> str:
    small = f'<sub><font point-size="8">{_escaped(index)}</font></sub>'
    return f"<i>{_escaped(name)}</i>{small if index.isascii() and index else index}"


def label(heading: str, text: str = "", small: str = "") -> str:
    """A label of up to three lines, the first bold, the last quiet; safe for any text.

    The result is one of Graphviz's HTML-like labels, or plain text for a heading alone.
    """
    import graphviz

    if not text and not small:
        return str(graphviz.escape(_drawable(heading)))
    lines = [f"<b>{_escaped(heading)}</b>", _escaped(text), _quiet(small)]
    return f"<{'<br/>'.join(line for line in lines if line)}>"


def title(heading: str, small: str) -> str:
    """The title of the picture, with some room below."""
    room = '<font point-size="6"> </font>'
    return f"<<b>{_escaped(heading)}</b><br/>{_quiet(small)}<br/>{room}>"


def caption(heading: str, text: str, times: str, small: str) -> str:
    """`repeat1 ×2`, `residual(64)` and a quiet third line, one below the other."""
    first = f"<b>{_escaped(f'{heading} {times}'.rstrip())}</b>"
    lines = [line for line in (first, _escaped(text), _quiet(small)) if line]
    rows = "".join(f'<tr><td align="left">{line}</td></tr>' for line in lines)
    return f'<<table border="0" cellborder="0" cellpadding="0" cellspacing="0">{rows}</table>>'


def stack(
    pieces: Sequence[tuple[str, str, str, dict[str, str]]], *, is_upward: bool = False
) -> str:
    """Layers that stand on one another: heading, text and quiet line of each, and its look.

    The first is the uppermost, unless `is_upward`.
    """
    rows = [_piece(*piece, is_first=i == 0) for i, piece in enumerate(pieces)]
    rows = rows[::-1] if is_upward else rows
    table = '<table border="0" cellborder="1" cellpadding="4" cellspacing="0">'
    return f"<{table}{''.join(rows)}</table>>"


def _piece(heading: str, text: str, small: str, look: dict[str, str], *, is_first: bool) -> str:
    name = f"<b>{_escaped(heading)}</b>" if text or small else _escaped(heading)
    lines = [line for line in (name, _escaped(text), _quiet(small)) if line]
    inner = ("<br/>" if is_first else " &#160;").join(lines)
    fill, line = look["fillcolor"], look["color"]
    return f'<tr><td style="rounded" bgcolor="{fill}" color="{line}">{inner}</td></tr>'


def _quiet(text: str) -> str:
    return f'<font point-size="9" color="{QUIET}">{_escaped(text)}</font>' if text else ""


def _drawable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _escaped(text: str) -> str:
    r"""Text inside an HTML-like label, where Graphviz reads `\N` and its like as well."""
    marked = _drawable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return marked.replace('"', "&quot;").replace("\\", "\\\\")
