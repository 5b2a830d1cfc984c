"""The parts of `specc.check`: walking bodies with their numbers known."""
