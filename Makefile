PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
export DO_NOT_TRACK = 1

.PHONY: run test lint viz notebook notebooks lock clean

run: $(VENV)/.installed ## Build the mart from the sample shop, or refresh it
	$(BIN)/kedro run

test: $(VENV)/.installed-dev ## Run the tests
	$(BIN)/pytest

lint: $(VENV)/.installed-dev ## Check style, types and imports
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

viz: $(VENV)/.installed ## Look at the pipelines in a browser
	$(BIN)/kedro viz run

notebook: $(VENV)/.installed ## Work in JupyterLab
	KEDRO_LOGGING_CONFIG="$(CURDIR)/conf/logging.yml" $(BIN)/kedro jupyter lab

notebooks: $(VENV)/.installed ## Run the notebooks on the sample shop, and write docs/notebooks; needs Chromium or Chrome
	$(BIN)/python -m notebooks.rendering

$(VENV)/.installed: requirements.lock | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	touch $@

$(VENV)/.installed-dev: requirements-dev.lock | $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	touch $@

$(VENV):
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "Python 3.11 or newer is needed, this is " + sys.version)'
	$(PYTHON) -m venv $(VENV)
	echo "$(CURDIR)/src" > $$($(BIN)/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/datamart_kedro.pth

lock: ## Lock the newest versions that fit pyproject.toml; needs uv
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
		--no-header --no-annotate --no-emit-index-url --quiet --output-file requirements.lock
	uv pip compile pyproject.toml --extra test --extra lint --constraints requirements.lock --universal \
		--python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --quiet \
		--output-file requirements-dev.lock

clean: ## Remove the environment and the mart, not the sources
	rm -rf $(VENV) data/datamart.duckdb data/datamart.duckdb.wal data/tmp logs
