"""specc: a compiler from a small description of a neural network to standalone training code."""

__version__ = "0.1.0"
