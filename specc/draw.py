"""Draw: a network as a diagram.

One cluster for a block or loop, nested as in the spec; what repeats is drawn once, with `×12`;
shapes on the edges, parameters in the nodes. The kinds of blocks of a large net are drawn beside
it, each once.
"""

from __future__ import annotations

from specc.check import ShapedModel
from specc.diagram.render import Format, NoGraphviz, RenderError, render

__all__ = ["Format", "NoGraphviz", "NothingToUnroll", "RenderError", "dot", "render"]


_LARGEST = 30
"""A picture of more nodes than that is no longer read at a glance."""


class NothingToUnroll(Exception):
    """No recurrent layer or cell is drawn; `is_hidden`: they lie in blocks drawn as one node."""

    def __init__(self, net: str, *, is_hidden: bool) -> None:
        what = (
            "its recurrent layers lie deeper" if is_hidden else "no recurrent layer or cell in it"
        )
        super().__init__(f"`{net}` has nothing to unroll: {what}")
        self.is_hidden = is_hidden


def dot(
    shaped: ShapedModel,
    depth: int | None = None,
    is_apart: bool | None = None,
    copies: int | None = None,
) -> str:
    """The diagram of a network as DOT text, the same for the same spec.

    Args:
        shaped: the network.
        depth: how many levels of blocks and loops to draw with their contents; those below are
            single nodes. `None` draws everything.
        is_apart: whether to draw the blocks beside the net, each kind of them once, rather than
            each in its place. By default where the net is large and has blocks.
        copies: how many copies of each recurrent layer or cell to draw side by side, one a step;
            `None` draws one, with a loop.

    Returns:
        DOT text; `render` turns it into a picture.

    Raises:
        NothingToUnroll: if there is nothing to copy.
    """
    from specc.diagram.sketch import Sketch

    def sketched(depth: int | None, is_apart: bool) -> Sketch:
        return Sketch(shaped, depth, is_apart=is_apart, copies=copies)

    sketch = sketched(depth, bool(is_apart))
    if is_apart is None and depth is None and sketch.size > _LARGEST:
        sketch = sketched(depth, True)
    if copies is not None and not sketch.unrolled:
        is_hidden = depth is not None and bool(sketched(None, False).unrolled)
        raise NothingToUnroll(shaped.net.name, is_hidden=is_hidden)
    return sketch.text
