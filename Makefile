# usip: one command per job; every target prepares .venv first. Contracts: README.md.
#   make sim [SCENARIO=x] | test | interop | bench | rom BOARD=x | size | lint | phone ARGS="..."
#   make flash BOARD=x PORT=y IMAGE=z.bin | deploy BOARD=x PORT=y [FILES=folder] | monitor PORT=y

PYTHON ?= python3
PY := .venv/bin/python
BOARD ?= sim
ARGS ?=
SCENARIO ?=
PORT ?=
FIRMWARE ?=
IMAGE ?= $(FIRMWARE)
FILES ?=
VENV := .venv/.stamp

.PHONY: all venv sim test interop bench rom flash deploy monitor size lint format package phone \
  clean
.DELETE_ON_ERROR:

all: sim

venv: $(VENV)

$(VENV): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "usip's tools need Python 3.11 or newer; name one: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	  echo "python3 lacks venv. On Debian or Ubuntu: apt install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install --quiet --disable-pip-version-check -r requirements.txt
	@touch $@

sim: $(VENV)
	$(PY) -m tools.simulate $(SCENARIO) $(ARGS)

test: lint
	$(PY) -m tools.check_layers
	$(PY) -m tools.package --check
	$(PY) -m pytest -n auto --dist worksteal
	$(PY) -m tools.run_on_vm
	$(PY) -m tools.run_on_vm --twin
	$(PY) -m tools.rom --board esp32c3
	$(PY) -m tools.simulate --all --report build/test
	$(PY) -m tools.size --check

interop: $(VENV)
	$(PY) -m pytest host_tests/interop $(ARGS)

bench: $(VENV)
	$(PY) -m tools.bench $(ARGS)
	@[ -n "$(ARGS)" ] || $(PY) -m tools.growth

rom: $(VENV)
	$(PY) -m tools.rom --board $(BOARD) $(ARGS)

flash: $(VENV)
	@$(PY) -m tools.flash --board $(BOARD) --port "$(PORT)" --image "$(IMAGE)" $(ARGS)

deploy: $(VENV)
	@$(PY) -m tools.deploy --board $(BOARD) --port "$(PORT)" $(if $(FILES),--files $(FILES)) $(ARGS)

monitor: $(VENV)
	@$(PY) -m tools.monitor --port "$(PORT)" $(ARGS)

size: $(VENV)
	$(PY) -m tools.size $(ARGS)

lint: $(VENV)
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

format: $(VENV)
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

package: $(VENV)
	$(PY) -m tools.package

phone: $(VENV)
	$(PY) -m tools.phone $(ARGS)

clean:
	rm -rf build
