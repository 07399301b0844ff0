"""Errors that a reader can act on."""


class KorqgError(Exception):
    """Something that the user can put right; the message says what and how."""


def stop_with_short_errors() -> None:
    """Show a KorqgError in a notebook as its message alone; every other error keeps its traceback.

    Outside IPython this does nothing. A full disk and an interruption are put into words too, because
    they meet every notebook and their tracebacks help nobody.
    """
    try:
        shell = get_ipython()  # noqa: F821  (IPython puts this name into builtins)
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
