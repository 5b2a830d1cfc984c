"""The parts of `specc.resolve`: what stands where, what is called what, what names mean."""
