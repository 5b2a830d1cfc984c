"""Draw: a network as a diagram.

One cluster for a block or loop, nested as in the spec; what repeats is drawn once, with `×12`;
shapes on the edges, parameters in the nodes. The kinds of blocks of a large net are drawn beside
it, each once.
"""

from __future__ import annotations

from specc.check import ShapedModel
from specc.diagram.render import Format, NoGraphviz, RenderError, render

__all__ = ["Format", "NoGraphviz", "RenderError", "dot", "render"]


_LARGEST = 30
"""A picture of more nodes than that is no longer read at a glance."""


def dot(shaped: ShapedModel, depth: int | None = None, is_apart: bool | None = None) -> str:
    """The diagram of a network as DOT text, the same for the same spec.

    Args:
        shaped: the network.
        depth: how many levels of blocks and loops to draw with their contents; those below are
            single nodes. `None` draws everything.
        is_apart: whether to draw the blocks beside the net, each kind of them once, rather than
            each in its place. By default where the net is large and has blocks.

    Returns:
        DOT text; `render` turns it into a picture.
    """
    from specc.diagram.sketch import Sketch

    sketch = Sketch(shaped, depth, is_apart=bool(is_apart))
    text = sketch.text()
    if is_apart is None and depth is None and sketch.size > _LARGEST:
        return Sketch(shaped, depth, is_apart=True).text()
    return text
