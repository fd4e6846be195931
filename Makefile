# Everything that a person or CI does here; `make help` lists it. Needs Debian or Ubuntu and Python 3.11 or newer:
# a target installs all else that it needs (into .venv, or by apt).

PYTHON ?= python3# the one that makes .venv
PORT ?= 9000# the server's
WEB_PORT ?= 8765# the bridge's
WORDPACKET_DATA ?=# where `run` keeps messages; empty: the user's data folder
BEFORE ?=# the commit that `compare` holds the working tree against
ROUNDS ?= 5# of `compare`
BOUND ?= 2# percent that count as no change for `compare`, however small the spread is

VENV ?= .venv
PY := $(VENV)/bin/python
SUDO := $(if $(filter 0,$(shell id -u)),,sudo)
APT := $(SUDO) env DEBIAN_FRONTEND=noninteractive apt-get
CHROMIUM := chromium chromium-browser google-chrome
PEERS := ngircd mosquitto nats-server

.DEFAULT_GOAL := help
.PHONY: help run test check bench bench-full bench-peers compare profile chaos hostile screenshots clean tools

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | while IFS='|' read -r name text; do \
		printf '  make %-12s %s\n' "$$name" "$$text"; done

# Each program gets a session of its own, so that Ctrl-C reaches only this shell. It ends the server, which warns all
# users, and then the bridge. A second Ctrl-C ends the server at once.
run: $(VENV)/.run ## start the server and the bridge on this machine; Ctrl-C ends both
	@$(PY) -c "$$CHECK_PORTS" PORT=$(PORT) WEB_PORT=$(WEB_PORT)
	@setsid $(PY) -m tcp_server $(PORT) --log-level warning $(if $(WORDPACKET_DATA),--data '$(WORDPACKET_DATA)') & server=$$!; \
	trap 'echo " all users are warned; a second Ctrl-C ends the chat at once"; kill $$server 2>/dev/null' INT TERM HUP; \
	sleep 1; \
	kill -0 $$server 2>/dev/null || exit 1; \
	setsid $(PY) -m ws_bridge --server 127.0.0.1:$(PORT) --port $(WEB_PORT) --log-level warning & bridge=$$!; \
	sleep 1; \
	printf '\n  in a browser:   http://127.0.0.1:%s/\n  in a terminal:  %s -m cli_client 127.0.0.1 %s\n  Ctrl-C ends the chat\n\n' \
		$(WEB_PORT) $(PY) $(PORT); \
	while kill -0 $$server && kill -0 $$bridge; do sleep 1; done 2>/dev/null; \
	kill $$server 2>/dev/null; \
	while kill -0 $$server 2>/dev/null; do wait $$server; done; \
	wait $$server; status=$$?; \
	kill $$bridge 2>/dev/null; \
	wait $$bridge && exit $$status

define CHECK_PORTS
import argparse, sys
from tcp_server.net.listening import bind
from tcp_server.net.process import StartError, port_number
for name, port in (argument.split("=", 1) for argument in sys.argv[1:]):
    try:
        for sock in bind(None, port_number(port)):
            sock.close()
    except (StartError, argparse.ArgumentTypeError) as error:
        sys.exit(f"{error} (here: make run {name}=NUMBER)")
endef
export CHECK_PORTS

test: $(VENV)/.test tools ## run all tests; print the branch coverage, of which 95 % is the least
	@$(PY) -m coverage erase
	@$(PY) -m coverage run -m pytest --durations=10 --durations-min=5 $(TESTS); status=$$?; \
	$(PY) -m coverage combine --quiet && \
	$(PY) -m coverage json --quiet -o - | $(PY) -m tests.coverage_bound 95 tcp_server ws_bridge cli_client && exit $$status

check: $(VENV)/.test ## find faults without running: ruff and mypy --strict
	$(PY) -m ruff check
	$(PY) -m ruff format --check
	$(PY) -m mypy

bench: $(VENV)/.test ## measure for a few minutes, print the table, draw the charts
	$(PY) -m tests.bench --out docs/bench

bench-full: $(VENV)/.test ## measure longer, with more users
	$(PY) -m tests.bench --full --out docs/bench

bench-peers: $(VENV)/.test ## install other servers from Debian, and measure beside them
	$(APT) update --quiet
	$(APT) install --yes --no-install-recommends $(PEERS)
	$(PY) -m tests.bench --peers

compare: $(VENV)/.test ## measure a commit and the working tree in turn: make compare BEFORE=COMMIT
	$(PY) -m tests.bench.compare $(BEFORE) --rounds $(ROUNDS) --bound $(BOUND)

profile: $(VENV)/.test ## draw a flame graph of the server under load
	$(PY) -m tests.bench.profile

chaos: $(VENV)/.test ## kill, stop, cut, fill and slow everything for a long while; no message may be lost
	$(PY) -m tests.chaos
	$(PY) -m tests.chaos.kill
	$(PY) -m tests.chaos.slow
	$(PY) -m tests.chaos.disk

hostile: $(VENV)/.test ## let one stranger attack in every way, and measure what honest clients meet
	$(PY) -m tests.hostile

screenshots: $(VENV)/.test tools ## take the pictures in docs/ again, from the programs themselves
	$(PY) -m tests.end_to_end.screenshots docs

clean: ## remove .venv and all files that were made, but not your messages
	rm -rf $(VENV) .coverage .coverage.* htmlcov build dist .cache .hypothesis .pytest_cache .mypy_cache .ruff_cache *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -r {} +

# What the targets need

$(PY):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed; with another one: make PYTHON=python3.12 ...' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { $(APT) update --quiet && $(APT) install --yes python3-venv; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: pyproject.toml | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable .
	@touch $@

$(VENV)/.test: pyproject.toml | $(PY)
	$(PY) -m pip install --quiet --disable-pip-version-check --editable '.[test]'
	@touch $(VENV)/.run $@

tools:
	@missing=; \
	command -v tmux >/dev/null || missing=tmux; \
	[ -n "$$WORDPACKET_CHROMIUM" ] || command -v $(CHROMIUM) >/dev/null || missing="$$missing chromium"; \
	[ -z "$$missing" ] || { $(APT) update --quiet && $(APT) install --yes --no-install-recommends $$missing; }
