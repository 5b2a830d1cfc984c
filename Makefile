# Two commands for a newcomer: `make demo` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --disable-pip-version-check

.PHONY: demo test golden clean

# Compile and train LeNet on the bundled digits: runs/lenet gets the code, the diagram, the
# loss curve and the weights. One thread: at this size a second gains nothing, and when the
# machine is busy two threads wait for each other.
demo: $(VENV)/.installed
	$(BIN)/specc train specs/lenet.net --out runs/lenet --threads 1

# Everything that CI runs.
test: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -n auto

# Write the generated files in generated/ and the expected diagnostics anew.
golden: $(VENV)/.installed-dev
	$(BIN)/python -m pytest --update-golden -q tests

$(VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	command -v dot >/dev/null || $(INSTALL) "pygraphviz>=2"
	touch $@

$(VENV)/.installed-dev: $(VENV)/.installed constraints.txt
	$(INSTALL) --constraint constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) runs
