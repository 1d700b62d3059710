.PHONY: audit sbom check format docs pins platforms wheels web bench

check: ## the gate beside pytest: format, lint, types, generated docs, import rules
	ruff format --check .
	ruff check .
	mypy
	python -m rag.settings_page --check docs/settings.md
	pytest tests/test_architecture.py

format: ## mend what `make check` would complain about
	ruff format .
	ruff check --fix .
	python -m rag.settings_page docs/settings.md

platforms: ## do the pins resolve to wheels on Linux, Windows and macOS?
	pytest tests/test_requirements.py

# Published as source alone (docs/decisions/0070-pins-and-wheels.md); the date makes them repeatable.
wheels: ## pack anew what chainlit brings that has no wheel
	SOURCE_DATE_EPOCH=1767225600 pip wheel --no-deps --no-cache-dir --no-binary :all: \
		--wheel-dir wheels literalai==0.1.201 cuid==0.4 syncer==2.0.3

audit: ## does a pinned package have a known vulnerability? (pip install pip-audit)
	python .ci/audit.py audit

sbom: ## the list of all parts, as CycloneDX
	python .ci/audit.py sbom > sbom.json

web: ## build the page that runs in the browser alone (needs Node 20)
	cd webgpu && npm ci && npm run check && npm run build

# uv leaves pip's options out of what it writes.
COMPILE = uv pip compile --quiet --universal --fork-strategy fewest --python-version 3.11 \
	--no-annotate --no-header

pins: ## compile requirements*.in anew (needs uv)
	(grep '^--' requirements.in; echo; $(COMPILE) requirements.in) > requirements.new
	mv requirements.new requirements.txt
	(echo '-r requirements.txt'; echo; $(COMPILE) requirements-foundry.in \
		| grep -vxFf requirements.txt) > requirements.new
	mv requirements.new requirements-foundry.txt
	(echo '-r requirements-foundry.txt'; echo; $(COMPILE) requirements-dev.in) > requirements.new
	mv requirements.new requirements-dev.txt
