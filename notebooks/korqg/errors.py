"""Errors that a reader can act on."""

import errno
import functools
import re
import sys
from collections.abc import Callable


class KorqgError(Exception):
    """Something that the user can put right; the message says what and how, in English and briefly in Korean."""

    def __init__(self, said: str, korean: str = ""):
        super().__init__(f"{said} · {korean}" if korean else said)


def in_words(error: BaseException) -> str | None:
    """The error as a paragraph for the user; None where its traceback says more."""
    if isinstance(error, KorqgError):
        return str(error)
    if isinstance(error, KeyboardInterrupt):
        return (
            "Interrupted. What was finished before is kept, and nothing takes the rest for finished. Run the notebook "
            'again from its first cell: a training that has saved a checkpoint goes on from it, unless resume="never". '
            "· 중단했습니다. 첫 셀부터 다시 실행하면 저장된 데서 이어집니다."
        )
    if isinstance(error, NameError) and _raised_in_a_cell(error):
        return (
            f"{error}: a cell above has not been run yet, was stopped or failed, a parameter was changed, or the "
            "kernel was restarted. Run the notebook from its first cell; what is finished is kept, and a training that "
            'has saved a checkpoint goes on from it, unless resume="never". · 위의 셀을 건너뛰었거나 커널이 다시 '
            "시작되었습니다. 첫 셀부터 다시 실행하세요."
        )
    return full_disk() if is_full_disk(error) else None


def tell(error: BaseException) -> int:
    """Print the error's words for the user of a command; its exit code. An error without words is raised again."""
    words = in_words(error)
    if words is None:
        raise error
    print(f"\n{words}", file=sys.stderr)
    return 1


def command(run: Callable[..., int | None]) -> Callable[..., int]:
    """Make a function the body of a command: its exit code, 0 for None; an error with words is told, and is 1."""

    @functools.wraps(run)
    def told(*arguments) -> int:
        try:
            return run(*arguments) or 0
        except Exception as error:
            return tell(error)

    return told


# What systems, Rust, torch and numpy write of it: safetensors, pyarrow and others raise errors of their own kinds.
OF_A_FULL_DISK = (
    "no space left",
    "not enough (free )?(disk )?space",
    "(disk|device) is full",
    "quota exceeded",
    "남은 공간이 없|공간이 부족",
    r"os error (28|112|122)\)",
    "pytorchstreamwriter failed",
    r"inline_container\.cc",
    r"\d+ requested and \d+ written",
)


def is_full_disk(error: BaseException) -> bool:
    """Whether the error, or one that it came from, tells of a full disk or quota, in whatever words or language."""
    while error is not None:
        if getattr(error, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", 0) in (39, 112):
            return True
        if re.search("|".join(OF_A_FULL_DISK), str(error).lower()):
            return True
        error = error.__cause__ or error.__context__
    return False


def full_disk(path: object = "", elsewhere: str = "outputs_dir") -> str:
    """The sentence for every full disk; `elsewhere` is what names another folder."""
    shown = f": {path} cannot be written" if path else ""
    return (
        f"The disk is full{shown}. Free some space, or choose another folder with {elsewhere}, and run this again; "
        "nothing that was finished before has been changed. · 디스크가 가득 찼습니다. 공간을 비우고 다시 실행하세요."
    )


def _raised_in_a_cell(error: BaseException) -> bool:
    """Whether the error comes from a notebook's own cell, and not from a library that it calls."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    return place is not None and place.tb_frame.f_globals.get("__name__") == "__main__"
