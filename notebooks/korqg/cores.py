"""Work on text over all cores of this machine: what Kiwi has to look at, of many chunks or questions."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from korqg.devices import process_count

ITEMS_A_PROCESS = 60
"""Items, at least, that a further process is worth: it loads Kiwi first, and a chunk takes some 0.03 s."""


def on_all_cores(function: Callable, items: list) -> list:
    """What `function` makes of each item, in their order; on several processes where there are many items and cores.

    The function and the items must be picklable. The processes are started anew (`spawn`), so that they know nothing
    of a GPU that this one uses, and stay for the next call.
    """
    cores = (os.cpu_count() or 1) // process_count()
    if cores < 2 or len(items) < 2 * ITEMS_A_PROCESS:
        return [function(one) for one in items]
    return list(_pool(min(cores, 32)).map(function, items, chunksize=16))


@functools.cache
def _pool(processes: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(processes, get_context("spawn"))
