"""Did you mean …?"""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

ALIASES = {
    "linear": "dense",
    "fc": "dense",
    "fully_connected": "dense",
    "conv2d": "conv",
    "convolution": "conv",
    "max_pool": "maxpool",
    "maxpool2d": "maxpool",
    "pool": "maxpool",
    "avg_pool": "avgpool",
    "average_pool": "avgpool",
    "avgpool2d": "avgpool",
    "gap": "global_avgpool",
    "bn": "batchnorm",
    "batch_norm": "batchnorm",
    "layer_norm": "layernorm",
    "leakyrelu": "leaky_relu",
    "cat": "concat",
    "concatenate": "concat",
    "sum": "add",
    "mul": "multiply",
    "view": "reshape",
    "drop": "dropout",
    "logistic": "sigmoid",
    "softmax_cross_entropy": "cross_entropy",
    "nll": "cross_entropy",
    "bce": "binary_cross_entropy",
    "mae": "l1",
    "l2_loss": "mse",
    "huber": "smooth_l1",
    "padding": "pad",
    "strides": "stride",
    "kernel_size": "kernel",
    "filters": "channels",
    "out_channels": "channels",
    "features": "units",
    "hidden": "units",
    "hidden_size": "units",
    "num_units": "units",
    "num_layers": "layers",
    "out_features": "units",
    "p": "rate",
    "learning_rate": "lr",
    "batch_size": "batch",
    "dataset": "data",
    "optim": "optimizer",
    "weight_decay": "penalty",
    "acc": "accuracy",
    "l1": "mae",
}
"""What users of other tools would write."""


_MOST = 100
"""So many names are compared, those most alike in length: more take too long."""


def closest(name: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, by alias or by spelling; `None` if none is near."""
    words = set(known)
    alias = ALIASES.get(name.lower())
    if alias in words:
        return alias
    by_length = sorted(words, key=lambda word: (abs(len(word) - len(name)), word))
    candidates = sorted(by_length[:_MOST])
    lowered = {candidate.lower(): candidate for candidate in reversed(candidates)}
    near = get_close_matches(name.lower()[:80], lowered, n=1, cutoff=0.7)
    return lowered[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str], form: str = "{}") -> str:
    """The help for a name that is not known; empty if none is near.

    `form` is how the nearest name is written in its place: `--net {}`.
    """
    guess = closest(name, known)
    return f"did you mean `{form.replace('{}', guess, 1)}`?" if guess else ""
