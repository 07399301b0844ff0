# make run    set up, then the three notebooks on the built-in data and model
# make try    the same in two minutes, with so few rows that nothing is learnt; ARGS="-p lora_rank 4" changes a parameter
# make parameters  list the parameters that the notebooks do not show, for recipes and -p
# make ask    the kept adapter, or a finished run, asks about documents of yours: make ask DOCUMENTS=path [RUN=sample] [GPUS=4]
# make ladder  set up, then every recipe of notebooks/recipes/ladder (for a GPU); ARGS="--parallel 4" passes options on
# make export  a finished run as a model without adapter, for llama.cpp too: make export RUN=sample ARGS=--gguf
# make train  notebook 2 on several GPUs: make train GPUS=4 RECIPE=notebooks/recipes/... ARGS="-p run_name mine"
#             on several hosts that share outputs/, on each: TORCHRUN="--nnodes=2 --node-rank=0 --master-addr=ADDRESS"
# make test   set up, then lint and all tests: what CI runs
# make example  make run, and replace outputs/example, which is kept in git, by what came out
# make address  write where the course is published into notebooks and READMEs: make address REPOSITORY=account/name
# make clean  remove the environment (results in outputs/ stay)

PYTHON ?= python3
VENV_PYTHON = .venv/bin/python
TORCHRUN ?= --standalone
INSTALL = $(VENV_PYTHON) -m pip install --quiet --disable-pip-version-check -c constraints.txt

.PHONY: run ask export train ladder example test chromium clean

run: .venv/installed
	PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.pipeline $(ARGS)

.PHONY: try
try: .venv/installed
	PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.pipeline --recipe notebooks/recipes/all_three/quick_try.yaml --name $(or $(NAME),try) $(ARGS)

.PHONY: parameters
parameters: .venv/installed
	@PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.pipeline --parameters

ask: .venv/installed
	@test -n "$(DOCUMENTS)" || { echo "Name a document or a folder: make ask DOCUMENTS=path/to/file.md · 문서나 폴더를 정하세요."; exit 1; }
	PYTHONPATH=notebooks $(VENV_PYTHON) $(if $(GPUS),-m torch.distributed.run $(TORCHRUN) --nproc-per-node=$(GPUS)) -m korqg.ask "$(DOCUMENTS)" --run-name $(or $(RUN),sample-gpu) $(if $(NAME),--name "$(NAME)") $(ARGS)

export: .venv/installed
	PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.model.export $(or $(RUN),sample) $(ARGS)

# papermill puts the parameters into notebook 2, nbconvert makes a script of it, torchrun starts that once for each GPU.
# Each call has a folder of its own: two trainings at once must not overwrite the script that the other one starts.
# exec, so that what a scheduler sends to end the job reaches torchrun itself.
train: .venv/installed
	@script=$$(mktemp -d)/02_train_lora && \
	$(VENV_PYTHON) -m papermill --prepare-only --log-level=ERROR --no-progress-bar \
	  notebooks/02_train_lora.ipynb "$$script.ipynb" $(if $(RECIPE),-f "$(RECIPE)") $(ARGS) && \
	$(VENV_PYTHON) -m nbconvert --log-level=ERROR --to=python "$$script.ipynb" && \
	processes=$(or $(GPUS),$$($(VENV_PYTHON) -c "import torch; print(torch.cuda.device_count() or 1)")) && \
	echo "$$script.py on $$processes process(es) of this host. If it stops, the reason stands above torchrun's own report;" \
	  "the same command goes on from what is whole." && \
	export OMP_NUM_THREADS=$${OMP_NUM_THREADS:-$$(( ($$(getconf _NPROCESSORS_ONLN) + processes - 1) / processes ))} && \
	exec $(VENV_PYTHON) -m torch.distributed.run $(TORCHRUN) --nproc-per-node=$$processes "$$script.py"

ladder: .venv/installed
	PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.research.ladder $(ARGS)

example: .venv/installed-tests chromium
	@echo "This runs the three notebooks and then replaces outputs/example, which is kept in git (git checkout outputs/example brings it back)." \
	  "· outputs/example에 있는 것을 새 결과로 바꿉니다."
	PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.pipeline
	PYTHONPATH=notebooks $(VENV_PYTHON) -m korqg.research.kept_example

test: .venv/installed-tests chromium
	$(VENV_PYTHON) -m ruff check .
	$(VENV_PYTHON) -m ruff format --check .
	$(VENV_PYTHON) -m pytest

.venv/installed: requirements.txt constraints.txt
	@command -v $(PYTHON) >/dev/null || { echo "There is no $(PYTHON) here. Name the Python to use, 3.11 or newer: make run PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11) and 'Python 3.11 or newer is needed; this is ' + sys.version.split()[0] + '. Name another one: make run PYTHON=python3.12')"
	@$(PYTHON) -m venv .venv || { echo "No environment could be made in this folder (Python says why above): it must be writable, and on Debian the package python3-venv is needed."; exit 1; }
	@echo "Installing the packages (about 1 GB, a few minutes) ..."
	@$(INSTALL) -r requirements.txt || { echo "The packages could not be installed (pip says why above). The network is needed for this once; behind a proxy set HTTPS_PROXY, and see that the disk has 4 GB free."; exit 1; }
	@touch $@

.venv/installed-tests: .venv/installed
	$(INSTALL) pytest pytest-timeout ruff playwright
	@touch $@

# The page is tested in a real browser, the corpus's spelling by a dictionary: Debian's, installed where that can be done
# without asking.
chromium:
	@if { command -v chromium || command -v chromium-browser || command -v google-chrome; } >/dev/null \
	  && test -e /usr/share/hunspell/ko_KR.dic; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  echo "Installing Chromium and a Korean dictionary for the tests ..."; \
	  (apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends chromium hunspell hunspell-ko) \
	    >.venv/chromium.log 2>&1 || echo "They could not be installed (see .venv/chromium.log): what needs them will be skipped."; \
	else echo "No Chromium or no hunspell-ko here (on Debian: apt-get install chromium hunspell hunspell-ko):" \
	  "the tests that need them will be skipped."; fi

# The one address: the setup cells' constant, and the badges that lead to it.
.PHONY: address
address:
	@echo "$(REPOSITORY)" | grep -Eqx "[A-Za-z0-9-]+/[A-Za-z0-9._-]+" || { echo "Name it as GitHub does: make address REPOSITORY=account/name"; exit 1; }
	@for file in notebooks/*.ipynb outputs/example/*/*/*.ipynb README.md README.ko.md; do test -f "$$file" || continue; \
	  sed -e 's|REPOSITORY = \\"[^\\]*|REPOSITORY = \\"$(REPOSITORY)|' -e 's|\(google.com/github/\)[^/]*/[^/]*/|\1$(REPOSITORY)/|g' \
	    "$$file" >.address && cat .address >"$$file"; done; rm -f .address

clean:
	rm -rf .venv
