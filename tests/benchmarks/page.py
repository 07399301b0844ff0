"""README.md of the records in results/: the tables of each script, with the notes of page.md.j2 about it.

python tests/benchmarks/page.py
"""

import re
from datetime import date
from pathlib import Path

from record import RESULTS, read_records

from korqg.markup import fill_plain

PAGE = Path(__file__).with_name("README.md")
TEMPLATE = Path(__file__).with_name("page.md.j2")
HEADINGS = {
    "rows_per_s": "rows/s",
    "tokens_per_s": "tokens/s",
    "questions_per_s": "questions/s",
    "mb_per_s": "MB/s",
    "mb": "MB",
    "gb": "GB",
    "peak_mb": "peak MB",
    "peak_gb": "peak GB",
    "reserved_gb": "reserved GB",
    "matrix_percent": "share of the matrix rate (%)",
    "undisturbed_s": "undisturbed (s)",
}


def page(records: list[dict]) -> str:
    """The page as Markdown. Raises ValueError where the template has no place for a script's records."""
    left = sorted(records, key=lambda record: (record["script"], record["title"], record["date"], record["card"]))

    def tables(script: str, *titles: str) -> str:
        """Those of a script with these titles, in their order; without titles all that are left of it."""
        mine = [record for record in left if record["script"] == script]
        names = titles or tuple(dict.fromkeys(record["title"] for record in mine))
        groups = [[record for record in mine if record["title"] == name] for name in names]
        left[:] = [record for record in left if not any(record in group for group in groups)]
        return "\n\n".join(_section(group) for group in groups if group)

    text = fill_plain(TEMPLATE, tables=tables, million_chunks=million_chunks(records))
    if left:
        raise ValueError(f"{TEMPLATE.name} has no place for records of {', '.join({one['script'] for one in left})}")
    return re.sub(r"\n{3,}", "\n\n", text)


def million_chunks(records: list[dict]) -> str:
    """A table computed from this course's fastest row of each model in each record of korqg.ask."""
    rows = []
    for record in (record for record in records if record["script"] == "korqg.ask"):
        candidates, price = record["settings"]["candidates_per_chunk"], record["settings"]["usd_per_hour"]
        ours = [row for row in record["figures"] if row.get("engine", "this course") == "this course"]
        for model in dict.fromkeys(row["model"] for row in ours):
            rate = max(row["questions_per_s"] for row in ours if row["model"] == model)
            hours = 1e6 * candidates / rate / 3600
            row = {"date": _day(record["date"]), "card": record["card"], "model": model, "questions_per_s": rate}
            row |= {"marked answers a chunk": candidates, "hours on one card": round(hours, 1)}
            row |= {"hours on two": round(hours / 2, 1), "USD an hour (assumed)": price, "USD": round(hours * price)}
            rows.append(row)
    return table(rows)


def table(rows: list[dict]) -> str:
    """A Markdown table with all keys of the rows as columns; floats below 10 have the same decimals in a column."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    columns = [_cells([row.get(name) for row in rows]) for name in names]
    heads = [HEADINGS.get(name, name.replace("_", " ")) for name in names]
    lines = [heads, ["---"] * len(names), *zip(*columns, strict=True)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(values: list) -> list[str]:
    numbers = [number for value in values for number in (value if isinstance(value, list) else [value])]
    small = [number for number in numbers if isinstance(number, float) and number < 10]
    decimals = max(map(_decimals, small), default=0)

    def text(value) -> str:
        if isinstance(value, list):
            return " to ".join(dict.fromkeys((text(min(value)), text(max(value)))))
        if isinstance(value, float):
            return f"{value:,.{decimals if value < 10 else _decimals(value)}f}"
        return "" if value is None else _plain(value)

    return [text(value) for value in values]


def _decimals(number: float) -> int:
    return len(repr(number).partition(".")[2])


def _plain(value) -> str:
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value).replace("|", r"\|")


def _section(group: list[dict]) -> str:
    """What the records of one title have in common, what each has of its own, their figures as one table, and notes."""
    made = [_made(record) for record in group]
    names = list(dict.fromkeys(name for one in made for name in one))
    common = [name for name in names if len({one.get(name) for one in made}) == 1]
    own = [name for name in names if name not in common]
    title = f"**{group[0]['title']}.** " if group[0]["title"] else ""
    parts, rows = [f"{title}{_caption(made[0], common)}."], []
    if set(own) - {"date", "card"}:
        parts.append("\n".join(f"- {_caption(one, own)}" for one in made))
    for record, one in zip(group, made, strict=True):
        rows += [{**{name: one[name] for name in ("date", "card") if name in own}, **row} for row in record["figures"]]
    return "\n\n".join([*parts, table(rows), *(record["note"] for record in group if "note" in record)])


def _caption(made: dict[str, str], names: list[str]) -> str:
    plain = ("date", "card", "versions", "n")
    return "; ".join(made[name] if name in plain else f"{name}: {made[name]}" for name in names if made.get(name))


def _made(record: dict) -> dict[str, str]:
    """When, where, with what and by which settings, each as text."""
    rate = record.get("matrix_tflops")
    versions = ", ".join(f"{name} {version}" for name, version in record["versions"].items() if version)
    return {
        "date": _day(record["date"]),
        "card": record["card"] + (f" (bf16 matrices at {rate} TFLOP/s)" if rate else ""),
        "versions": versions,
        "n": f"n = {record['n']}",
        **{name.replace("_", " "): _plain(value) for name, value in record["settings"].items()},
    }


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"


if __name__ == "__main__":
    PAGE.write_text(page(read_records(RESULTS)), encoding="utf-8")
