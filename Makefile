.PHONY: check
check: ## the only gate: format, lint, types, tests, generated docs
	ruff format --check .
	ruff check .
	mypy
