"""The languages that code is written in, one package each."""
