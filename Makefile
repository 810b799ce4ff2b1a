# make demo, make test: all a fresh machine with Python 3.11 and make needs.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready

# Quick and broad: what most changes break first.
QUICK  := $(addprefix tests/, \
          enrich/test_agents.py enrich/test_lookup.py enrich/test_networks.py enrich/test_origins.py enrich/test_redact.py enrich/test_releases.py enrich/test_rules.py \
          formats/test_clock.py formats/test_field_map.py formats/test_labels.py formats/test_maps.py formats/test_outlines.py \
          metrics/test_concentration.py metrics/test_cuts.py metrics/test_filters.py metrics/test_min_origins.py metrics/test_ordering.py metrics/test_unseen.py metrics/test_versions.py \
          pipeline/test_ranks.py \
          render/test_markdown.py render/test_render.py \
          sources/test_loki.py sources/test_sources.py \
          store/test_ids.py \
          whole/test_suite.py)

# Compiled tests are kept: each worker would compile them anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo check test soak coverage lint fuzz bench bench-enrich scores examples docs dist clean

demo: $(READY)          ## the main job on the bundled logs
	@$(BIN)/pullstats demo

check: lint             ## lint, and the tests that are quick and broad: for the inner loop
	$(BIN)/python -m pytest -n 2 --dist worksteal $(QUICK)

test: $(READY)          ## install and pass every test
	$(BIN)/python -m pytest -n auto --dist worksteal

soak: $(READY)          ## every example, corpus file and planted cell, where make test tries a share; TIMES=… as many examples
	PULLSTATS_SOAK=$(or $(TIMES),1) $(BIN)/python -m pytest -n auto --dist worksteal

coverage: $(READY)      ## which lines and branches make test runs through: the share, and what is left out file by file
	$(BIN)/python -m pytest -n auto --dist worksteal --cov --cov-report=term

lint: $(READY)          ## style, types, layers
	$(BIN)/ruff check pullstats tests bench fuzz tools
	$(BIN)/ruff format --check pullstats tests bench fuzz tools
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(READY)          ## any bytes into every reader for SECONDS, guided by coverage
	$(BIN)/python fuzz/fuzz.py --seconds $(or $(SECONDS),60)

bench: $(READY)         ## side by side with GoAccess, DuckDB, ClickHouse (pip install chdb-core); writes bench/RESULTS.md and README's figures (ROUNDS=5; FORMATS=1: every format, bench/FORMATS.md)
	$(BIN)/python bench/run.py $(if $(ROUNDS),--rounds $(ROUNDS)) $(if $(FORMATS),--only formats --lines 1500000 --rounds 1 --results bench/FORMATS.md)

bench-enrich: $(READY)  ## distinct agents, paths and addresses a second; writes bench/ENRICHMENT.md
	$(BIN)/python bench/enrichment.py

scores: $(READY)        ## how much of the labelled agents and paths is read right, and whose behaviour in made-up worlds
	$(BIN)/python tools/scores.py
	$(BIN)/python tools/behaviour_scores.py

examples: $(READY)      ## write docs/behaviour-examples.md and docs/package-life.md from made-up worlds
	$(BIN)/python tools/behaviour_examples.py
	$(BIN)/python tools/package_life.py

docs: $(READY)          ## write schemas/ and the generated tables of docs/
	$(BIN)/python tools/generate_docs.py

dist: $(READY)          ## wheel and sdist
	$(BIN)/python -m build --no-isolation

clean:
	rm -rf $(VENV) dist build bench/work

$(READY): pyproject.toml requirements-dev.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $(READY)
