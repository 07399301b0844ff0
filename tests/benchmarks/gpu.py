"""Clock, memory and speed of one GPU; without a GPU those of the host, so that scripts can be tried there."""

import resource
import statistics
import time

import torch

available = torch.cuda.is_available


def name() -> str:
    """As torch names it; "" without one."""
    return torch.cuda.get_device_name() if available() else ""


def synchronize() -> None:
    """Wait until the GPU is done."""
    if available():
        torch.cuda.synchronize()


def mark():
    """A moment of the device's own clock, without waiting for it."""
    if not available():
        return time.perf_counter()
    event = torch.cuda.Event(enable_timing=True)
    event.record()
    return event


def milliseconds(start, end) -> float:
    """Between two marks that the device has passed."""
    return start.elapsed_time(end) if available() else 1000 * (end - start)


def reset_peak() -> None:
    if available():
        torch.cuda.reset_peak_memory_stats()


def peak_gb() -> float:
    """Most memory that tensors of the GPU took since reset_peak; without a GPU this process's, since it began."""
    if available():
        return round(torch.cuda.max_memory_allocated() / 1e9, 2)
    return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9, 2)


def matrix_tflops(size: int = 8192) -> float | None:
    """10^12 operations a second of a bf16 product of two random matrices, the median of 20; None without a GPU."""
    if not available():
        return None
    left, right = (torch.randn(size, size, device="cuda", dtype=torch.bfloat16) for _ in range(2))
    taken = []
    for _ in range(25):
        start = mark()
        left @ right
        end = mark()
        synchronize()
        taken.append(milliseconds(start, end))
    return round(2 * size**3 / statistics.median(taken[5:]) / 1e9)
