"""Errors that a reader can act on."""

import logging
import warnings


class KorqgError(Exception):
    """Something that the user can put right; the message says what and how."""


def prepare_notebook() -> None:
    """Make a notebook show what a reader can act on, and nothing else.

    A KorqgError is shown as its message alone, and so is an interruption; every other error keeps its
    traceback. Three remarks of libraries that nobody here can act on are left out: tqdm's on missing
    widgets (the course prints lines, which a saved notebook keeps), bitsandbytes' on CPU kernels, and
    transformers' on a name of its own. Outside IPython only those are done.
    """
    warnings.filterwarnings("ignore", message="IProgress not found")
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        shell = get_ipython()  # IPython puts this name into builtins
    except NameError:
        return

    def show(shell, kind, error, traceback, tb_offset=None):
        lines = [f"{kind.__name__}: {in_words(error)}"]
        shell._showtraceback(kind, error, lines)
        return lines

    shell.set_custom_exc((KorqgError, KeyboardInterrupt), show)


def in_words(error: BaseException) -> str:
    """The error as one paragraph for the user."""
    if isinstance(error, KeyboardInterrupt):
        return (
            "Interrupted. This notebook's folder has no manifest.json, so nothing takes it for finished; "
            "run the notebook again from its first cell."
        )
    return str(error)
