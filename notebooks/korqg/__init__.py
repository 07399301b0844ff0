"""What the three notebooks share: Korean question generation with Gemma 3 and LoRA.

The modules stand in the order of the story:

    processes   several processes on one run: who writes, what they agree on
    config      the parameters of the three notebooks, checked
    packages    which packages are missing here, and installing them
    files       JSON and JSON Lines that are either whole or absent
    stages      output folders and their manifest.json
    downloads   the published KorQuAD files, fetched once and checked
    cleaning    text composed, without signs that nobody sees
    places      where an answer stands
    packed      files in .gz, .zip and .tar.gz
    corpus      KorQuAD 1.0 files (and KLUE-MRC's, AI-Hub's) to passages and questions
    archives    KorQuAD 2.x archives to pages
    wikipedia   a page's HTML to lines, lists and tables
    korquad2    KorQuAD 2.x pages to passages and questions
    columns     what the columns of tables are called
    row_files   .jsonl, .csv, .json, .xlsx and .parquet files to rows
    tabular     rows of one's own to passages and questions
    sources     which of these, from where
    sentences   Korean sentences
    readers     encodings, what a folder holds, what a line begins with
    contents    tables of contents and indexes, left out
    tables      rows and cells of a table to text
    plain       plain text files to paragraphs
    markdown    Markdown files, and the HTML in them, to text
    numbering   automatic numbers of paragraphs
    office      what archives of XML, styles and paragraphs have in common
    word        Word (.docx) documents to text
    hangul      Hangul (.hwpx) documents to text
    hwp         Hangul's binary (.hwp) documents to text
    pdf         PDF files to text
    documents   one's own text to chunks of whole sentences
    leaks       near copies of paragraphs, and the articles that they join
    rows        instruction rows, split by article
    prompts     the wording, Gemma's turns, token ids and the loss mask
    encoded     encoded rows as an Arrow table, on disk where memory is too small
    precision   which precision, and how large activations get
    models      which model, from where; adapters saved
    chat        what other programs need to ask a saved model
    batches     padding, with logits at answer positions only, in pieces that fit
    acceleration  fused kernels and compiled layers
    checkpoints whole checkpoints, and runs that go on where they were cut off
    training    beside the Trainer: progress, log file, less memory when it must
    tracking    wandb without prompts, hangs or private details
    generation  questions in batches, greedy
    metrics     is it one question, did it stop, how near is it to the references; intervals over paragraphs
    adapters    the LoRA adapter beside the frozen weights
    answers     how near an answer is to the right ones, and where it stands
    checks      copied, asked twice, nothing to ask about, where the answer stands
    runs        finished runs and other pairs of files, in groups that compare
    examples    better or worse, and which examples to show
    fonts       a Korean font for pictures and pages
    plots       Hangul in matplotlib, a colour for each run
    pages       tables and the side-by-side page
    judging     judging without knowing who wrote a question, in that page
    pipeline    `make run`: the three notebooks through papermill
    launch      `make train`: notebook 2 on several processes
    asking      candidate answers, the rule, the round trip, the copy editor, the checks, what is recommended
                (candidates, particles, endings, rule, editor, subject, round_trip, checks, recommend), blind reading
                (blind), and `make ask` (__main__)
    export      `make export`: a finished run's adapter merged into its model
    ladder      `make ladder`: one change at a time, several seeds
    ladder_page the ladder's table, pictures and page
    example     `make example`: the finished run that is kept in git

Importing this package imports the standard library only; torch, pandas and the rest are imported
by the functions that need them.
"""

import sys
import time

if sys.version_info < (3, 11):  # noqa: UP036 (a sentence for those who have an older one)
    raise ImportError(f"The course needs Python 3.11 or newer; this is {sys.version.split()[0]}.")

from korqg.config import CompareConfig, DataConfig, TrainConfig
from korqg.errors import KorqgError, prepare_notebook
from korqg.packages import install_missing_packages

STARTED = time.monotonic()
"""When korqg was imported, or prepare_notebook last ran: a notebook's seconds are counted from its setup cell."""

__version__ = "0.1.0"

__all__ = [
    "CompareConfig",
    "DataConfig",
    "KorqgError",
    "TrainConfig",
    "install_missing_packages",
    "prepare_notebook",
]
