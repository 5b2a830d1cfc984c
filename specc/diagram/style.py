"""How a picture looks: one font, a few quiet colours, told apart by the colour-blind too.

The colours of the families are tints of the palette of Okabe and Ito 2008.
"""

from __future__ import annotations

FONT = "Helvetica,Arial,sans-serif"
INK, QUIET, LINE = "#1f2328", "#59636e", "#818b98"
SKIP = "#0072b2"

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
    "weight": "4",
}

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


def layer(family: str, is_shared: bool) -> dict[str, str]:
    """A layer of a family; the uses of a shared instance have a double edge."""
    fill, line = _FAMILIES.get(family, _GREY)
    style = {"fillcolor": fill, "color": line}
    return style | {"peripheries": "2"} if is_shared else style


def symbol() -> dict[str, str]:
    """A join that is a sign in a circle."""
    return {
        "shape": "circle",
        "style": "filled",
        "fillcolor": "white",
        "color": INK,
        "fixedsize": "true",
        "fontsize": "16",
        "height": "0.3",
        "width": "0.3",
    }


def join() -> dict[str, str]:
    """A join that is a word."""
    return {"fillcolor": "white", "color": INK, "height": "0.2", "width": "0.5"}


def end(is_target: bool) -> dict[str, str]:
    """An input or output of the net, or a target."""
    if is_target:
        return {"fillcolor": "white", "style": "rounded,filled,dashed"}
    return {"fillcolor": "#3d4650", "color": "#3d4650", "fontcolor": "white"}


def box(is_shared: bool) -> dict[str, str]:
    """A block that is drawn as one node."""
    style = {"fillcolor": _CLUSTERS[1], "color": QUIET, "height": "0.4"}
    return style | {"peripheries": "2"} if is_shared else style


def cluster(level: int, is_shared: bool, is_loop: bool) -> dict[str, str]:
    """A block or loop with its contents; neighbours in depth differ in shade."""
    return {
        "bgcolor": _CLUSTERS[level % 2],
        "color": QUIET if is_shared else "#c4ccd4",
        "fontsize": "11",
        "labeljust": "l",
        "margin": "10",
        "penwidth": "1.6" if is_shared or is_loop else "1",
        "style": "rounded",
    }


def into_join(has_skip: bool) -> dict[str, str]:
    """An edge into a join.

    Where paths of equal rank meet, they stay straight and these edges bend; past a skip, the
    path goes straight on.
    """
    return {} if has_skip else {"weight": "1"}


def skip() -> dict[str, str]:
    """An edge that carries a tensor past other layers, as in a residual block."""
    return {"color": SKIP, "fontcolor": SKIP, "penwidth": "1.8", "weight": "0"}


def tap() -> dict[str, str]:
    """An edge from inside a loop to where it is tapped."""
    return {"color": SKIP, "fontcolor": SKIP, "weight": "1"}


def to_target() -> dict[str, str]:
    """The edge from a target to its loss."""
    return {"style": "dashed", "weight": "1"}


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


def cluster_label(heading: str, text: str, times: str, small: str) -> str:
    """`repeat1 ×2`, `residual(64)` and a quiet third line at the left.

    An empty cell at the right keeps the edges that come in from above off the text.
    """
    first = f"<b>{_escaped(f'{heading} {times}'.rstrip())}</b>"
    lines = [line for line in (first, _escaped(text), _quiet(small)) if line]
    cells = "".join(f'<tr><td align="left">{line}</td></tr>' for line in lines)
    width = max(6 * (len(heading) + len(times) + 1), 6 * len(text), 5 * len(small))
    table = '<table border="0" cellborder="0" cellpadding="0" cellspacing="0">'
    room = f'<td width="{min(width + 30, 120)}"></td>'
    return f"<{table}<tr><td>{table}{cells}</table></td>{room}</tr></table>>"


def _quiet(text: str) -> str:
    return f'<font point-size="9" color="{QUIET}">{_escaped(text)}</font>' if text else ""


def _drawable(text: str) -> str:
    return "".join(c if c.isprintable() else "\ufffd" for c in text)


def _escaped(text: str) -> str:
    r"""Text inside an HTML-like label, where Graphviz reads `\N` and its like as well."""
    marked = _drawable(text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return marked.replace('"', "&quot;").replace("\\", "\\\\")
