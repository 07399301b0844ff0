"""The first cell of a notebook: what it shows of errors and remarks."""

import logging
import sys
import time
import warnings

from korqg.config import assigned_names
from korqg.devices import quiet_others
from korqg.errors import KorqgError, in_words


def prepare_notebook() -> None:
    """Make a notebook show what a reader can act on, and nothing else.

    A KorqgError is shown as its message alone, and so are an interruption, a full disk and a name that a cell above
    has not made yet; every other error keeps its traceback. Three remarks of libraries that nobody here can act on
    are left out: tqdm's on missing widgets (the course prints lines, which a saved notebook keeps), bitsandbytes' on
    CPU kernels, and transformers' on a name of its own. Outside IPython only those are done, and under torchrun
    one process speaks for all. A notebook's seconds are counted from here, each time that it is run.

    What a cell was making when it was stopped or failed is taken out of the notebook, so that no cell below goes on
    with half of it, or with what was found wrong.
    """
    sys.modules["korqg"].STARTED = time.monotonic()
    warnings.filterwarnings("ignore", message="IProgress not found")
    warnings.filterwarnings("ignore", message=".*is_gradient_checkpointing.*", category=FutureWarning)
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        shell = get_ipython()  # IPython puts this name into builtins
    except NameError:
        return quiet_others()

    def show(shell, kind, error, traceback, tb_offset=None):
        words = in_words(error)
        if words is None:
            return shell.showtraceback((kind, error, traceback), tb_offset=tb_offset)
        short = error if isinstance(error, KorqgError) else KorqgError(words)
        lines = [f"{type(short).__name__}: {words}"]
        shell._showtraceback(type(short), short, lines)
        return lines

    def drop(result):
        reached = _reached(result.error_in_exec, shell.user_ns)
        cell = shell.transform_cell(result.info.raw_cell or "") if reached else ""
        for name in assigned_names(cell, reached):
            shell.user_ns.pop(name, None)

    shell.set_custom_exc((Exception, KeyboardInterrupt), show)
    for known in shell.events.callbacks["post_run_cell"]:
        if known.__qualname__ == drop.__qualname__:
            shell.events.unregister("post_run_cell", known)
    shell.events.register("post_run_cell", drop)


def _reached(error: BaseException | None, variables: dict) -> int:
    """The line of the cell, from 1, at which the error left it; 0 where it did not come out of a cell."""
    place = error.__traceback__ if error is not None else None
    while place is not None and place.tb_frame.f_globals is not variables:
        place = place.tb_next
    return place.tb_lineno if place is not None else 0
