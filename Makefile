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
	@# While another run is alive it holds this lock; Snakemake's own is then not ours to remove.
	@flock --nonblock --conflict-exit-code 75 .snakemake/run.lock \
	    $(VENV)/bin/snakemake --unlock --quiet all \
	|| { [ $$? != 75 ] || echo "another Snakemake is running in this folder; wait for it"; exit 1; }
	$(VENV)/bin/snakemake --cores $(CORES) --rerun-incomplete

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
