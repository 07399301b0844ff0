"""What the three notebooks share: Korean question generation with Gemma 3 and LoRA.

A room for each stage; the modules outside of them use none of the rooms:

    data        corpora and documents to rows: documents/ (six formats to chunks), korquad2/ (whole pages), downloads,
                corpus, table_files, own_rows, chosen_source, near_copies, instruction_rows
    model       choose, load, save, precision, generate, and `make export` (export)
    train       encoded_rows, collate, adapter, trainer, checkpoints, speed, wandb_run; `make train` starts notebook 2
    ask         asker, candidates, the rule, headings, the editor, round trip, checks, what is recommended; `make ask`
                (__main__)
    compare     finished_runs, scores, figures, examples, plots, the page, blind reading (blind)
    research    `make ladder` and its page, `make example` (kept_example)

    config      the parameters of the three notebooks, checked
    notebook    what the first cell of a notebook sets up
    packages    which packages are missing here, and installing them
    errors      errors that a reader can act on
    files       JSON and JSON Lines that are either whole or absent
    output_folders  folders that are finished when they have a manifest.json
    devices     several processes on one run: who writes, what they agree on
    prompts     the wording, Gemma's turns, token ids and the loss mask
    sentences   Korean sentences
    question    is it a question, is it copied, do two ask the same, is an answer right
    cleaned_text  text composed, without signs that nobody sees
    column_names  what the columns of people's tables are called
    markup      text and tables for HTML
    old_names   modules under the names that they had before there were rooms
    pipeline    `make run`: the three notebooks through papermill

data uses ask, ask and train use model, compare uses ask, research uses all (tests/test_rooms.py). `make ask` is a
program: it uses all, and nothing imports it.

Importing this package imports the standard library only; torch, pandas and the rest are imported where they are needed.
"""

import sys
import time

if sys.version_info < (3, 11):  # noqa: UP036 (a sentence for those who have an older one)
    raise ImportError(f"The course needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

from korqg.config import CompareConfig, DataConfig, TrainConfig
from korqg.errors import KorqgError
from korqg.notebook import prepare_notebook
from korqg.old_names import keep_old_names
from korqg.packages import install_missing_packages

keep_old_names()

# When korqg was imported, or prepare_notebook last ran: a notebook's seconds are counted from its setup cell.
STARTED = time.monotonic()
__version__ = "0.1.0"

__all__ = ["CompareConfig", "DataConfig", "KorqgError", "TrainConfig", "install_missing_packages", "prepare_notebook"]
