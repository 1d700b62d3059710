.PHONY: check format docs pins platforms bench

check: ## the gate beside pytest: format, lint, types, generated docs, import rules
	ruff format --check .
	ruff check .
	mypy
	python -m rag.settings --check docs/settings.md
	pytest tests/test_architecture.py

format: ## mend what `make check` would complain about
	ruff format .
	ruff check --fix .
	python -m rag.settings docs/settings.md

platforms: ## do the pins resolve to wheels on Linux, Windows and macOS?
	pytest tests/test_requirements.py

# pip wants --only-binary before its exceptions; uv writes it last, so these lines are ours.
COMPILE = uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--no-annotate --no-header

pins: ## compile requirements*.in anew (needs uv)
	(grep '^--' requirements.in; echo; $(COMPILE) requirements.in) > requirements.new
	mv requirements.new requirements.txt
	(echo '-r requirements.txt'; echo; $(COMPILE) requirements-dev.in) > requirements.new
	mv requirements.new requirements-dev.txt
