"""Draw: a network as a diagram.

One cluster for a block or loop, nested as in the spec; what repeats is drawn once, with `×12`;
shapes on the edges, parameters in the nodes.
"""

from __future__ import annotations

from specc.check import ShapedModel
from specc.diagram.render import Format, NoGraphviz, RenderError, render

__all__ = ["Format", "NoGraphviz", "RenderError", "dot", "render"]


def dot(shaped: ShapedModel, depth: int | None = None) -> str:
    """The diagram of a network as DOT text, the same for the same spec.

    Args:
        shaped: the network.
        depth: how many levels of blocks and loops to draw with their contents; those below are
            single nodes. `None` draws everything.

    Returns:
        DOT text; `render` turns it into a picture.
    """
    from specc.diagram.sketch import Sketch

    return Sketch(shaped, depth).text()
