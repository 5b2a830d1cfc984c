"""Words with a meaning of their own: functions of the language, and names code cannot use."""

from __future__ import annotations

import builtins
import keyword
from collections.abc import Iterable
from functools import cache

FUNCTIONS = ("len", "max", "min", "range", "sum")
"""The functions that expressions can call."""

_MEMBERS = {
    "array", "arrays", "astype", "backward", "begin_step", "buffers", "calls", "carries",
    "carry_state", "draw", "draw_masks_from", "dtype", "forward", "gradients",
    "input_gradients", "kept", "last_inputs", "last_loss", "lay_out", "load", "loss",
    "named_parameters", "parameters", "parts", "penalised", "predict", "prepare",
    "public_gradients", "public_values", "reset_state", "rng", "run", "save", "sizes", "state",
    "statistics", "step", "step_backward", "training", "values", "vocabulary",
}  # fmt: skip
"""Attributes of the generated classes."""

_TORCH_MEMBERS = {
    "T_destination", "add_module", "apply", "bfloat16", "call_super_init", "children",
    "compile", "cpu", "cuda", "double", "dump_patches", "eval", "extra_repr", "float",
    "get_buffer", "get_extra_state", "get_parameter", "get_submodule", "half", "ipu",
    "load_state_dict", "modules", "mtia", "named_buffers", "named_children",
    "named_modules", "register_backward_hook", "register_buffer", "register_forward_hook",
    "register_forward_pre_hook", "register_full_backward_hook",
    "register_full_backward_pre_hook", "register_load_state_dict_post_hook",
    "register_load_state_dict_pre_hook", "register_module", "register_parameter",
    "register_state_dict_post_hook", "register_state_dict_pre_hook", "requires_grad_",
    "reset_parameters",
    "set_extra_state", "set_submodule", "share_memory", "state_dict", "to", "to_empty",
    "train", "type", "xpu", "zero_grad",
}  # fmt: skip
"""Attributes of `torch.nn.Module`: a label is a name on every target."""


def is_usable_label(name: str) -> bool:
    """Whether a name can be an attribute of a generated class, on every target.

    Labels are part of parameter names, so that they cannot be changed on the way.
    """
    taken = keyword.iskeyword(name) or name in _MEMBERS or name in _TORCH_MEMBERS
    return not (taken or name.startswith("_"))


_VARIABLES = {
    "F", "_", "channels_first", "channels_last", "dtype", "expect", "masked_mean", "nn",
    "np", "seed", "self", "torch", "training", "weighted_cross_entropy",
}  # fmt: skip
"""What generated methods use themselves."""


@cache
def _called() -> frozenset[str]:
    """The functions that generated methods call: `relu` and `relu_backward`."""
    from specc.ops.base import FunctionOp
    from specc.ops.registry import ops

    names = [op.function_name for op in ops().values() if isinstance(op, FunctionOp)]
    return frozenset([*names, *(f"{name}_backward" for name in names)])


def is_python(name: str) -> bool:
    """Whether Python has a meaning for the name already."""
    return keyword.iskeyword(name) or hasattr(builtins, name)


def safe_name(name: str) -> str:
    """A name of the spec as a Python variable: `lambda` becomes `lambda_`."""
    if name.startswith("__") and not name.endswith("__"):
        return f"{name}__"  # else Python puts the name of the class before it
    taken = is_python(name) or name in _VARIABLES or name in _called()
    return f"{name}_" if taken else name


def variables(names: Iterable[str], taken: Iterable[str] = ()) -> dict[str, str]:
    """Names of the spec as Python variables, all different and none of `taken`."""
    given = set(taken)
    found: dict[str, str] = {}
    for name in dict.fromkeys(names):
        word = safe_name(name)
        while word in given:
            word += "_"
        given.add(word)
        found[name] = word
    return found
