"""The forms of `specc.report`, one module each; `snippet` shows lines of the spec."""
