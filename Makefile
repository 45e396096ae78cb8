# The one door: people and CI use the same names.
PYTHON ?= python3
BIN := .venv/bin
READY := .venv/.ready
EXAMPLE ?= examples/support-intents/customization.yaml
ENVIRONMENT ?= dev
CDK = "$$($(BIN)/python -c 'from novaline.toolchain import node_path; print(node_path())')" node_modules/aws-cdk/bin/cdk
# The folders that hold packages: constructs, and one folder a function.
ROOTS := .:constructs:$(subst $(eval ) ,:,$(wildcard lambda/*))
# An environment for each generation of Amazon's SDK, named after its group in pyproject.toml; they do not go together.
SDKS := build/conformance build/conformance-v2

.DEFAULT_GOAL := help
.PHONY: help setup check test conformance rehearse prove-iam bench synth diff cdk clean

help: ## What can be made
	@grep -E '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

setup: $(READY) ## Make .venv with the novaline command, Node and the CDK command line

$(READY): pyproject.toml uv.lock package.json package-lock.json scripts/set_up.py novaline/lambda_layer.py
	@$(PYTHON) -c '' 2>/dev/null || { echo "error: Novaline needs Python 3.11 or newer, and '$(PYTHON)' does not run. Install it, or name it: make $(MAKECMDGOALS) PYTHON=/path/to/python3" >&2; exit 2; }
	@$(PYTHON) scripts/set_up.py

check: $(READY) ## Format, lint, types, import contracts, synthesis under every rule pack
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	PYTHONPATH=$(ROOTS) $(BIN)/lint-imports
	$(BIN)/python scripts/check_templates.py

test: $(READY) ## Pass the tests
	$(BIN)/pytest -q -n auto --dist loadgroup

conformance: $(SDKS:%=%/.ready) ## Compare our requests with those that both generations of Amazon's SDK send
	build/conformance/bin/pytest -q tests/conformance
	build/conformance-v2/bin/pytest -q tests/conformance

$(SDKS:%=%/.ready): build/%/.ready: $(READY)
	@echo "Installing what uv.lock pins for $*"
	@UV_PROJECT_ENVIRONMENT=$(@D) $(BIN)/python -m uv sync --quiet --locked --python $(BIN)/python --no-python-downloads --no-default-groups --group $*
	@touch $@

rehearse: $(READY) ## The main job in the embedded AWS: bootstrap, deploy, customize, evaluate, gate, deploy, ask, destroy
	@$(BIN)/novaline rehearse $(EXAMPLE) --env $(ENVIRONMENT)

prove-iam: $(READY) ## Take every statement of every role away in turn, and see the run fail for want of it
	@$(BIN)/python -m novaline.rehearsal.proof

bench: $(READY) ## Measure what we promise to be fast, as ratios side by side
	@$(BIN)/python -m benchmarks.run

synth: $(READY) ## Synthesize every environment into cdk.out
	$(CDK) synth --quiet

diff: $(READY) ## Compare with what is deployed: make diff ENVIRONMENT=dev
	$(CDK) diff '$(ENVIRONMENT)/*'

cdk: $(READY) ## The CDK command line: make cdk ARGS="deploy 'dev/*'"
	$(CDK) $(ARGS)

clean: ## Remove everything that make made
	rm -rf .venv node_modules cdk.out build .novaline .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
