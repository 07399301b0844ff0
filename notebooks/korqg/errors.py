"""Errors that a reader can act on."""

import logging
import warnings


class KorqgError(Exception):
    """Something that the user can put right; the message says what and how."""


def prepare_notebook() -> None:
    """Make a notebook show what a reader can act on, and nothing else.

    A KorqgError is shown as its message alone, and so are an interruption and a full disk; every other
    error keeps its traceback. Three remarks of libraries that nobody here can act on are left out: tqdm's on missing
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
        words = in_words(error)
        if words is None:
            return shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
        short = error if isinstance(error, KorqgError) else KorqgError(words)
        lines = [f"{type(short).__name__}: {words}"]
        shell._showtraceback(type(short), short, lines)
        return lines

    shell.set_custom_exc((Exception, KeyboardInterrupt), show)


def in_words(error: BaseException) -> str | None:
    """The error as a paragraph for the user; None where its traceback says more."""
    if isinstance(error, KorqgError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return (
            "Interrupted. This notebook's folder has no manifest.json, so nothing takes it for finished; "
            "run the notebook again from its first cell."
        )
    # torch, safetensors and matplotlib each raise an error of their own kind when they cannot write.
    if "No space left on device" in str(error) or "PytorchStreamWriter failed" in str(error):
        return (
            "The disk is full. Free some space, or choose another folder with outputs_dir, and run the notebook again "
            "from its first cell; nothing that was finished before has been changed."
        )
    return None
