"""The parts of the stage `specc.parse`, in the order in which a text passes them.

`tokens` cuts the text into words, `nesting` pairs brackets and ends statements, `table` holds
the LALR table, `machine` runs it, `build` makes syntax nodes, `recover` explains what does not fit and goes on.
"""
