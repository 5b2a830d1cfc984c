"""Plain NumPy with explicit forward and backward passes."""
