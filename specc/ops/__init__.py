"""The layers, joins and losses of the language, one file each."""
