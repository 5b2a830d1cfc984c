"""The settings of a `train` section: one declaration each, found and not listed."""
