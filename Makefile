# `make try` and `make test` do all set-up themselves and are safe to run again.
# Needs Python 3.11 or later with venv; name another one with PYTHON=python3.12.
PYTHON ?= python3
BIN := .venv/bin
# One fixed set of flags: pip keeps the built wheel in its cache and knows nothing of flags.
LLAMA_CMAKE_ARGS := -DGGML_NATIVE=ON -DLLAVA_BUILD=OFF

.PHONY: help setup try test chaos check format messages pictures llama wide golden bench-peers lock clean

help:
	@echo "make try     a local Discord with the bot in it, in your browser"
	@echo "make test    all tests"
	@echo "make chaos   thousands of jobs while everything is killed again and again"
	@echo "make check   lint, types, import rules"
	@echo "make messages  bring the catalogues of translations up to date"
	@echo "make pictures  take the README's pictures of 'bardling try' anew (needs Chromium)"
	@echo "make bench-peers  what 'bardling bench engine' measures beside ours"
	@echo "make wide    add the engine for many texts at once (compiles for some seconds)"
	@echo "make llama   add llama.cpp, the faster engine (compiles for some minutes)"

setup: .venv/ready

.venv/ready: requirements/dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Bardling needs Python 3.11 or later; name one with PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

try: setup
	$(BIN)/bardling try $(ARGS)

# Files side by side, as many as there are cores; for one after the other: make test ARGS=-n0
test: setup
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile $(ARGS)

# 5,000 jobs while bot, workers and Redis are killed 500 times; ends by itself. See tests/chaos.
chaos: setup
	$(BIN)/python -m tests.chaos $(ARGS)

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# New messages come in untranslated; begin a language with ARGS=pt-BR. See tools/messages.py.
messages: setup
	$(BIN)/python -m tools.messages $(ARGS)

# Of completions, candidates, an X-ray and an error, into docs/. See tools/try_picture.py.
pictures: setup
	$(BIN)/python -m tools.try_picture docs

llama: setup
	CMAKE_ARGS="$(LLAMA_CMAKE_ARGS)" $(BIN)/python -m pip install --quiet \
	  --disable-pip-version-check --require-hashes -r requirements/llama.lock

# Compiles the kernels at once, so that the first worker need not.
wide: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes \
	  -r requirements/wide.lock
	$(BIN)/python -m bot.engine.wide

# torch and transformers, only to compare logits with them in tests/golden.
golden: setup
	$(BIN)/python -m pip install --quiet --disable-pip-version-check \
	  -r requirements/golden.txt

# What `bardling bench engine` measures beside ours; apart, so that it changes nothing Bardling runs
# with.
bench-peers:
	$(PYTHON) -m venv .venv-peers
	.venv-peers/bin/python -m pip install --quiet --disable-pip-version-check \
	  -r requirements/peers.txt

lock: setup
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile -q --upgrade --universal --python-version 3.11 --generate-hashes \
	  --no-header pyproject.toml --extra try --extra test --extra check -o requirements/dev.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml -c requirements/dev.lock -o requirements/base.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml --extra llama -c requirements/dev.lock -o requirements/llama.lock
	$(BIN)/uv pip compile -q --universal --python-version 3.11 --generate-hashes --no-header \
	  pyproject.toml --extra wide -c requirements/dev.lock -o requirements/wide.lock

clean:
	rm -rf .venv .venv-peers dist build *.egg-info
