"""The picture of a network: which parts look alike, what is written on them, where they stand."""
