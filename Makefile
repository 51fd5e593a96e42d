# Needs Python 3.10 to 3.13 with pip, git and make. Everything else is made under .venvs/ from the lock files in
# requirements/; `make lock` writes those anew.
PYTHON ?= python3
KINDE_VENVS ?= $(CURDIR)/.venvs
JOBS ?= 2

export KINDE_VENVS
ENV := $(PYTHON) scripts/env.py
UNIT := $(KINDE_VENVS)/unit/bin
AIRFLOW3 := $(KINDE_VENVS)/airflow3/bin
AIRFLOW2 := $(KINDE_VENVS)/airflow2/bin
SDK := $(KINDE_VENVS)/sdk/bin
DOCS := $(KINDE_VENVS)/docs/bin
CONTRACT := $(KINDE_VENVS)/contract/bin
LOWEST := $(KINDE_VENVS)/lowest/bin
DISTRIBUTED := $(KINDE_VENVS)/distributed/bin
STORES := $(KINDE_VENVS)/stores/bin
AZURITE := $(KINDE_VENVS)/azurite/node_modules/.bin/azurite-blob

CODE := airflow_provider_kinde benchmarks dags demo packages scripts tests
# What these folders test needs Airflow; all others run without it.
AIRFLOW_TESTS := $(addprefix tests/,hooks operators sensors triggers dag_factory cli assets notifications openlineage plugins provider storage sources/airflow)
# Environments of their own.
APART := $(AIRFLOW_TESTS) tests/e2e tests/distributed tests/stores tests/sdk tests/contract tests/browser
# What stands around engine and client, and whole plans and applies against a local Kinde: a part of its own, so that
# `make test-unit` stays short.
TOOL_TESTS := packages/kinde-emulator/tests $(addprefix tests/,sources probe demo benchmarks docs laws hostile)
STORIES := $(addprefix tests/sync/,plan apply repair person draft snapshot/test_many_organizations.py)
TOOL_TESTS += $(STORIES)

# The command line is the same program on every Airflow; what differs is how it finds connections.
SAME_PROGRAM := test_commands.py test_tutorial.py test_half_a_year.py test_http_sources.py

# Minors of Airflow 3 before the newest, for `make test-matrix`.
MINORS := 30 31 32

.DEFAULT_GOAL := help
.PHONY: help demo demo-ui soak test test-unit test-tools test-airflow3 test-smoke test-airflow2 test-matrix $(MINORS:%=test-airflow%) test-e2e test-live test-browser test-sdk test-contract lint format types docs bench build lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-14s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: ## the whole way in a real Airflow, against a local Kinde (three minutes)
	@$(ENV) airflow3
	@$(AIRFLOW3)/python -m demo

demo-ui: ## Airflow's web interface and a local Kinde, wired together; Ctrl-C ends both
	@$(ENV) airflow3
	@$(AIRFLOW3)/python -m demo --ui

test: ## everything that takes ten minutes: lint, types, unit, SDK, Airflow 3, a real scheduler; a smoke run on Airflow 2.11
	@$(PYTHON) scripts/check.py

test-unit: ## engine and client, without Airflow (about a minute)
	@$(ENV) unit
	$(UNIT)/python -m pytest -n $(JOBS) tests $(APART:%=--ignore=%) $(TOOL_TESTS:%=--ignore=%)

test-tools: ## whole plans and applies, sources, emulator, probe, benchmarks and the demo's data, without Airflow
	@$(ENV) unit
	$(UNIT)/python -m pytest -n $(JOBS) $(TOOL_TESTS) --ignore=tests/sources/airflow

test-airflow3: ## provider, hook, operators and DAGs on the newest Airflow 3
	@$(ENV) airflow3
	$(AIRFLOW3)/python -m pytest -n $(JOBS) $(AIRFLOW_TESTS)

test-smoke: ## Airflow 2.11: provider, hooks, command line, and one DAG of each kind
	@$(ENV) airflow2
	$(AIRFLOW2)/python -m pytest --disable-warnings -m smoke $(AIRFLOW_TESTS)

test-airflow2: ## all of that on Airflow 2.11
	@$(ENV) airflow2
	@# The warnings of 2.11 are all about itself and the packages of its time.
	$(AIRFLOW2)/python -m pytest -n $(JOBS) --disable-warnings $(AIRFLOW_TESTS) \
		$(SAME_PROGRAM:%=--ignore=tests/cli/%)

$(MINORS:%=test-airflow%): test-airflow%:
	@$(ENV) airflow$*
	$(KINDE_VENVS)/airflow$*/bin/python -m pytest -n $(JOBS) --disable-warnings $(AIRFLOW_TESTS) \
		$(SAME_PROGRAM:%=--ignore=tests/cli/%)

test-matrix: ## the Airflow tests on 2.11 and every minor of 3, each in an environment of its own (half an hour)
	@$(PYTHON) scripts/check.py test-airflow2 $(MINORS:%=test-airflow%) test-airflow3

test-e2e: ## a real scheduler and API server, triggered over REST
	@$(ENV) airflow3
	$(AIRFLOW3)/python -m pytest tests/e2e --ignore=tests/e2e/live

test-live: ## what takes its time: a triggerer, tasks, a worker, a scheduler killed; the database gone; mapped 250 times
	@$(ENV) airflow3
	$(AIRFLOW3)/python -m pytest tests/e2e/live

.PHONY: test-workers test-distributed
test-workers: ## CeleryExecutor, Redis, PostgreSQL: one worker plans, another applies and is killed; the first ends its work
	@$(ENV) distributed
	KINDE_TEST_PEOPLE=300 $(DISTRIBUTED)/python -m pytest -s tests/distributed -k "not freezes"

test-distributed: ## the same, and a worker that freezes and comes back; KINDE_TEST_PEOPLE=10000 for more people
	@$(ENV) distributed
	$(DISTRIBUTED)/python -m pytest -s tests/distributed

.PHONY: test-stores
test-stores: ## storage_path in S3, the history in GCS and Azure Blob too, over HTTP: a store that refuses, conflicts and goes away (Azure needs npm)
	@$(ENV) stores
	@test -x $(AZURITE) || ! command -v npm >/dev/null || npm install --silent --no-audit --no-fund --prefix $(KINDE_VENVS)/azurite azurite@3.37.0
	KINDE_AZURITE="$$(ls $(AZURITE) 2>/dev/null)" $(STORES)/python -m pytest tests/stores

test-browser: ## Airflow's pages and the docs in a real browser (needs chromium): make test-browser KINDE_SCREENSHOTS=folder
	@$(ENV) browser docs
	KINDE_SCREENSHOTS="$(KINDE_SCREENSHOTS)" $(KINDE_VENVS)/browser/bin/python -m pytest tests/browser

.PHONY: images
images: ## all pictures of the docs anew, from the running product: reports, emulator, a real Airflow (needs chromium)
	@$(ENV) browser
	$(KINDE_VENVS)/browser/bin/python -m scripts.screenshots

test-sdk: ## Kinde's own SDK against the emulator, and its models against our requests
	@$(ENV) sdk
	@# One process: the SDK takes longer to be imported than its tests to run.
	$(SDK)/python -m pytest tests/sdk

test-contract: ## every request against Kinde's own document: make test-contract OPENAPI=kinde.yaml
	@test -f "$(OPENAPI)" || { echo "make test-contract OPENAPI=path to Kinde's OpenAPI document (YAML or JSON)"; exit 1; }
	@$(ENV) contract
	OPENAPI="$(abspath $(OPENAPI))" $(CONTRACT)/python -m pytest tests/contract

.PHONY: test-lowest mutants audit
test-lowest: ## all but SDK and scheduler, at the lowest versions that pyproject.toml declares
	@$(ENV) lowest
	$(LOWEST)/python -m pytest -n $(JOBS) tests $(APART:%=--ignore=%) --ignore=tests/sources/vendors/test_scim.py
	$(LOWEST)/python -m pytest -n $(JOBS) --disable-warnings $(AIRFLOW_TESTS)

mutants: ## break the engine on purpose: which change does no test notice? (make mutants SAMPLE=300 SEED=2)
	@$(ENV) unit
	$(UNIT)/python -m scripts.mutants --sample $(or $(SAMPLE),100) --seed $(or $(SEED),1) --jobs $(JOBS)

soak: ## the long way: every trouble at every request, kills at every n-th, random histories (an hour)
	@$(ENV) unit
	KINDE_SOAK=1 KINDE_EXAMPLES=2000 $(UNIT)/python -m pytest -n $(JOBS) tests/laws tests/hostile $(STORIES)

lint: ## ruff: rules and format; import-linter: which room may import which
	@$(ENV) unit
	$(UNIT)/ruff check $(CODE)
	$(UNIT)/ruff format --check $(CODE)
	$(UNIT)/lint-imports

format: ## ruff: mend what can be mended
	@$(ENV) unit
	$(UNIT)/ruff check --fix $(CODE)
	$(UNIT)/ruff format $(CODE)

types: ## mypy --strict, with Airflow's own types
	@$(ENV) airflow3
	$(AIRFLOW3)/mypy

docs: ## the documentation as a site, in site/
	@$(ENV) unit docs
	$(UNIT)/python -m scripts.operations_page
	$(UNIT)/python -m scripts.emulator_coverage
	NO_MKDOCS_2_WARNING=1 $(DOCS)/mkdocs build --strict
	@echo "open site/index.html"

bench: ## everything that is measured, beside its peers (a quarter of an hour); writes docs/benchmarks.md
	@$(ENV) unit sdk bench
	$(UNIT)/python -m benchmarks

build: ## wheels and sdists of provider and emulator in dist/, and what the wheel runs with (CycloneDX)
	@$(ENV) unit release
	@rm -rf dist
	$(UNIT)/python -m build --no-isolation --outdir dist .
	$(UNIT)/python -m build --no-isolation --outdir dist/kinde-emulator packages/kinde-emulator
	$(UNIT)/python scripts/sbom.py

audit: ## known vulnerabilities in what the lock files pin; says so where that cannot be asked
	@$(PYTHON) scripts/audit.py

lock: ## write the lock files anew
	$(ENV) --lock

clean: ## remove everything that make made
	rm -rf .venvs .airflow .mutants build dist site .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
