"""What a benchmark measured, as a small JSON record in results/; page.py makes README.md of all records.

A record has the keys of FIELDS; and `matrix_tflops`, the rate of bf16 products of two matrices of 8192 x 8192, where it
was measured. `figures` are the rows of a table; a list of numbers in a row has one figure of several runs.
`transcribed` says that the figures were copied from an earlier page: there alone a version may be unknown (null).
"""

import argparse
import contextlib
import json
import os
import platform
import re
import subprocess
import sys
from datetime import date
from importlib import metadata
from pathlib import Path

RESULTS = Path(__file__).with_name("results")
COURSE = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(COURSE / "notebooks"), str(COURSE / "tests")]

FIELDS = {
    "script": str,
    "title": str,  # of the table; records of one script and title share one
    "date": str,  # 2026-11-24
    "card": str,  # as torch names the GPU, or "2 CPU cores"
    "versions": dict,  # of Python and packages
    "n": int,  # runs of each figure
    "settings": dict,
    "figures": list,
}
PACKAGES = ("torch", "transformers", "peft")
ASKING = {"model", "prompts", "batch", "questions_per_s", "seconds"}
"""What each row of a record of korqg.ask has; an engine that is not this course is named in `engine`."""


def arguments(description: str) -> argparse.ArgumentParser:
    """A parser with the options that all benchmarks have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--results", type=Path, default=RESULTS, help="folder for the record")
    parser.add_argument("--title", default="", help="of the record's table, in place of the script's own")
    return parser


def write_record(
    script: str,
    options: argparse.Namespace,
    figures: list[dict],
    *,
    n: int,
    settings: dict,
    title: str = "",
    gpu: str = "",
    packages: tuple[str, ...] = (),
    **more,
) -> Path:
    """Write the record of what was measured here and now, replacing one of the same script, day, card and title.

    `options` are those of `arguments`, `packages` further ones that were measured, `gpu` the name of the GPU if
    one was used. Returns the file. Raises ValueError where a field is missing or faulty.
    """
    record = {
        "script": Path(script).name,
        "title": options.title or title,
        "date": date.today().isoformat(),
        "card": gpu or f"{os.cpu_count()} CPU cores",
        "versions": {"python": platform.python_version()} | installed(*PACKAGES, *packages),
        "n": n,
        "settings": settings,
        "figures": figures,
        **{name: value for name, value in more.items() if value is not None},
    }
    check_record(record)
    words = filter(None, (Path(script).stem, record["date"], record["card"], record["title"]))
    file = options.results / (re.sub(r"[^\w-]", "_", "-".join(words)).lower() + ".json")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(as_json(record), encoding="utf-8")
    print(file)
    return file


def as_json(record: dict) -> str:
    """The record as text, one field a line and one row of the figures a line."""
    fields = []
    for name, value in record.items():
        said = json.dumps(value, ensure_ascii=False)
        if name == "figures":
            said = "[\n  " + ",\n  ".join(json.dumps(row, ensure_ascii=False) for row in value) + "\n ]"
        fields.append(f'"{name}": {said}')
    return "{\n " + ",\n ".join(fields) + "\n}\n"


def read_records(folder: Path = RESULTS) -> list[dict]:
    """All records of a folder, by the names of their files; ValueError names a file that is none."""
    records = []
    for file in sorted(folder.glob("*.json")):
        records.append(json.loads(file.read_text(encoding="utf-8")))
        try:
            check_record(records[-1])
        except ValueError as error:
            raise ValueError(f"{file.name}: {error}") from error
    return records


def check_record(record: dict) -> None:
    """Raise ValueError where a field is missing or cannot be what it should."""
    for name, kind in FIELDS.items():
        if not isinstance(record.get(name), kind) or not (record[name] or name in ("title", "settings")):
            raise ValueError(f"{name} is missing, empty or no {kind.__name__}")
    date.fromisoformat(record["date"])
    for name in PACKAGES:
        if name not in record["versions"] or not (record["versions"][name] or record.get("transcribed")):
            raise ValueError(f"versions lacks {name}")
    asking = record["script"] == "korqg.ask"
    if asking and not {"candidates_per_chunk", "usd_per_hour"} <= record["settings"].keys():
        raise ValueError("settings lack candidates_per_chunk or usd_per_hour (assumed)")
    for row in record["figures"]:
        if asking and not row.keys() >= ASKING:
            raise ValueError(f"figures lack {', '.join(sorted(ASKING - row.keys()))}")
        for name, value in row.items():
            if not isinstance(value, (str, int, float, list, type(None))):
                raise ValueError(f"{name} of figures is no text, number or list of numbers")


def print_result(result: dict) -> None:
    """For a process that `result_of` started."""
    print("RESULT " + json.dumps(result), flush=True)


def result_of(command: list[str], seconds: float | None = None, environment: dict | None = None) -> dict:
    """What a process of its own hands over by `print_result`; RuntimeError when it failed or took too long."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=seconds, env=environment)
    except subprocess.TimeoutExpired:
        raise RuntimeError(f"not done after {seconds:.0f} s") from None
    for line in done.stdout.splitlines():
        if line.startswith("RESULT "):
            return json.loads(line.removeprefix("RESULT "))
    raise RuntimeError("; ".join((done.stdout + done.stderr).strip().splitlines()[-8:])[-1500:])


def installed(*names: str) -> dict[str, str]:
    """The versions of those packages that are installed."""
    found = {}
    for name in names:
        with contextlib.suppress(metadata.PackageNotFoundError):
            found[name] = metadata.version(name)
    return found
