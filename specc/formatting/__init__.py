"""The parts of `specc.format`.

`outline` finds statements and comments, `spacing` sets blanks, `columns` aligns lines.
"""
