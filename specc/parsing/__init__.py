"""The parts of the stage `specc.parse`, in the order in which a text passes them.

`read` gets the text of a file, `tokens` cuts it into words, `nesting` pairs brackets and ends
statements within `limits`, `table` loads Lark's parser, `machine` feeds it, `build` makes syntax
nodes of its trees, `recover` and `explain` deal with what does not fit, and all tell a `reporter`.
"""
