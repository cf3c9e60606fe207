PYTHON ?= python3
BACKENDS := tensorflow torch jax

DEMO := .venv-demo
VENV := .venv
PYTHAE := .venv-pythae
BIN := $(VENV)/bin

# Python shall keep the modules it compiles: dozens of the tests' processes import whole frameworks.
unexport PYTHONDONTWRITEBYTECODE
export PIP_DISABLE_PIP_VERSION_CHECK := 1
export TF_CPP_MIN_LOG_LEVEL ?= 3

# Marker of tests to skip; `make test-all` empties it.
SKIP := and not slow

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help demo test test-all test-once test-browser $(BACKENDS:%=test-%) notebooks bench bench-growth pythae compat \
        check format table pictures docs clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z%-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: $(DEMO)/installed ## Reconstruct handwritten digits with a pretrained model, and write demo.png
	@KERAS_BACKEND=jax $(DEMO)/bin/kerasae demo

# Two targets at a time; a target's output is printed when it is done. BESIDE names further targets, to fill both cores.
test: ## Run lint, type checks and all tests, those that need no particular backend only once
	@$(MAKE) --no-print-directory --jobs=2 --output-sync=target \
	    check test-tensorflow test-jax test-once test-torch $(BESIDE)

test-all: ## Like test, with the slow tests
	@$(MAKE) --no-print-directory test SKIP=

# On PyTorch, which compiles nothing for small models.
test-once: $(VENV)/installed ## Run only the tests that need no particular backend
	KERAS_BACKEND=torch $(BIN)/python -m pytest -m "anybackend $(SKIP)"

# With several threads, PyTorch's small steps are up to twenty times slower on a busy machine.
test-torch test-once test-browser: export OMP_NUM_THREADS := 1

$(BACKENDS:%=test-%): test-%: $(VENV)/installed
	KERAS_BACKEND=$* $(BIN)/python -m pytest -m "not anybackend $(SKIP)"

test-jax: ## Run only the tests on one backend; also test-torch, test-tensorflow

test-browser: $(VENV)/browser docs ## Test the page of `kerasae explore` and the site in a headless browser (needs Chromium)
	KERAS_BACKEND=torch $(BIN)/python -m pytest tests/browser

notebooks: $(VENV)/installed ## Run every notebook on each of the three backends, without storing results
	@for backend in $(BACKENDS); do KERAS_BACKEND=$$backend $(BIN)/python -m pytest tests/test_notebooks.py || exit; done

# One thread for PyTorch, as in the tests; JAX and TensorFlow use all cores.
bench bench-growth: export OMP_NUM_THREADS := 1

bench: $(VENV)/installed ## Compare the speed with hand-written loops, plain Keras and others (needs MNIST)
	@for backend in $(BACKENDS); do for part in training inference streams startup; do \
	    KERAS_BACKEND=$$backend $(BIN)/python benchmarks/$$part.py || exit; done; done
	$(BIN)/python benchmarks/page.py docs/speed.md

bench-growth: $(VENV)/installed ## Measure time and memory for up to a million images; also the slow part of bench
	@for backend in $(BACKENDS); do KERAS_BACKEND=$$backend $(BIN)/python benchmarks/growth.py || exit; \
	    KERAS_BACKEND=$$backend $(BIN)/python benchmarks/residual.py || exit; done
	KERAS_BACKEND=jax $(BIN)/python benchmarks/training.py overfit_sine
	$(BIN)/python benchmarks/growth.py --chart docs/growth.png
	$(BIN)/python benchmarks/page.py docs/speed.md

pythae: $(PYTHAE)/installed ## Install pythae into a separate environment, for `make bench`

compat: $(VENV)/installed ## Test every entry on all five backends, and write docs/compatibility.md
	$(BIN)/python benchmarks/compatibility.py docs/compatibility.md

check: $(VENV)/installed ## Check lint, format and types only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/installed ## Format the code, and fix what ruff can fix
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

table: $(VENV)/installed ## Write the README's table of entries and the page of results, from the cards
	$(BIN)/python tools/table.py README.md
	$(BIN)/python tools/thumbnails.py docs/thumbnails
	$(BIN)/python tools/results.py docs/results.md

pictures: $(VENV)/installed ## Draw the pictures of the entries and of the documentation (needs MNIST and Fashion-MNIST)
	$(BIN)/python tools/pictures.py

docs: $(VENV)/installed ## Build the site in docs/_build/html; warnings are errors
	KERAS_BACKEND=numpy $(BIN)/python -m sphinx --fresh-env --fail-on-warning --keep-going --quiet docs docs/_build/html
	$(BIN)/python tools/check_site.py docs/_build/html

clean: ## Remove the environments, caches and builds
	rm -rf $(DEMO) $(VENV) $(PYTHAE) build dist docs/_build docs/_play docs/api docs/gallery docs/notebooks demo.png .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# Editable, so only a change of pyproject.toml requires a new installation.
$(DEMO)/installed: pyproject.toml
	@echo "Installing kerasae and JAX into $(DEMO)"
	@$(PYTHON) -m venv $(DEMO)
	@$(DEMO)/bin/python -m pip install --quiet --no-compile --editable ".[jax]"
	@touch $@

# PyTorch is pinned and installed first: otherwise pip prefers the newest build to a smaller CPU-only one.
# Without --no-compile, pip compiles all modules of the frameworks; Python compiles and keeps those that are imported.
$(VENV)/installed: pyproject.toml
	@echo "Installing kerasae and the three backends into $(VENV)"
	@$(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --no-compile torch==2.13.0
	@$(BIN)/python -m pip install --quiet --no-compile --editable ".[all,test]"
	@touch $@

$(VENV)/browser: $(VENV)/installed
	@echo "Installing playwright into $(VENV)"
	@$(BIN)/python -m pip install --quiet --no-compile --editable ".[browser]"
	@touch $@

$(PYTHAE)/installed:
	@echo "Installing pythae into $(PYTHAE)"
	@$(PYTHON) -m venv $(PYTHAE)
	@$(PYTHAE)/bin/python -m pip install --quiet torch==2.13.0
	@$(PYTHAE)/bin/python -m pip install --quiet pythae
	@touch $@
