# `just --list` shows these; each is one plain command, so nothing is lost without `just`.

bin := ".venv/bin"

# make the development environment
setup:
    python3 -m venv .venv
    {{bin}}/pip install --editable '.[dev]'

# everything but the tests: format, lint, types, layers
check:
    {{bin}}/ruff format --check .
    {{bin}}/ruff check .
    {{bin}}/mypy
    {{bin}}/pyright --pythonpath {{bin}}/python
    {{bin}}/lint-imports

# rewrite what can be rewritten
fix:
    {{bin}}/ruff format .
    {{bin}}/ruff check --fix .

# all tests, or those named: just test tests/unit/protocol
test *args:
    {{bin}}/pytest -q {{args}}

# docs/settings.md, after a change of protocol/settings
settings:
    {{bin}}/python -P tools/settings_page.py

# docs/guides.md, after a change of the table in tests/integration/test_guides.py
guides:
    {{bin}}/python -P tools/guides_page.py

# environments for the tests of other people's SDKs (Python packages and npm)
sdks:
    tests/integration/sdks/install

# a browser for the tests of the page (npm packages, Chromium)
browser:
    tests/integration/browser/install

# minutes of the scheduler against its slow twin
soak:
    PENSTOCK_SIMULATION_SEEDS=5000 {{bin}}/pytest -q tests/invariants

# the scheduler benchmark; tests/bench/README.md lists the others
bench *args:
    {{bin}}/python -P tests/bench/scheduler_step.py {{args}}

# serve brook on port 8000
serve *args:
    {{bin}}/penstock serve {{args}}

# train brook anew (about an hour on two cores)
brook *args:
    {{bin}}/python tools/train_brook.py {{args}}

# what continuous integration runs
ci:
    .ci/run
