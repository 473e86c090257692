# make figures   the default study, from models to figures
# make report    one self-contained HTML page of the finished study
# make test      the tests
PYTHON ?= python3
CORES ?= $(shell nproc)
VENV := .venv
INSTALLED := $(VENV)/.installed

.PHONY: figures report test
figures: $(INSTALLED)
	@mkdir -p .snakemake
	@# A live run holds run.lock, and a `make figures` make.lock from its first command to its last: only
	@# while both are free is a lock of Snakemake's own left over from a killed run, and ours to remove.
	@exec 9> .snakemake/make.lock; \
	flock --nonblock 9 && flock --nonblock .snakemake/run.lock true \
	|| { echo "another run is alive in this folder; wait for it"; exit 1; }; \
	$(VENV)/bin/snakemake --unlock && $(VENV)/bin/snakemake --cores $(CORES) --rerun-incomplete

report: figures
	$(VENV)/bin/snakemake --report results/report.html

test: $(INSTALLED)
	$(VENV)/bin/python -m pytest

# One environment for all stages, from the same pins as the environments of the rules.
$(INSTALLED): $(wildcard envs/*.yaml) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11 or newer; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	grep -hoE '[A-Za-z0-9._-]+==[^ ]+' envs/*.yaml | sort -u > $(VENV)/pins.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check -r $(VENV)/pins.txt
	$(VENV)/bin/pip install --quiet --disable-pip-version-check --no-deps --editable .
	touch $@
