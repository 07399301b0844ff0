"""Text and tables for HTML: all text is escaped where it enters."""

import html

# Notebooks set table cells flush right and in the middle, which sentences cannot be read in; GitHub drops this.
_LEFT = ' style="text-align: left; vertical-align: top"'


def escape(text: str) -> str:
    """Text for HTML: markup shows as written, and a $ cannot open a formula in a notebook or its export."""
    return html.escape(text).replace("$", "<span>$</span>")


def table(rows: list[dict[str, str]]) -> str:
    """An HTML table with a header row, readable without any style."""
    head = "".join(f'<th scope="col"{_LEFT}>{escape(name)}</th>' for name in rows[0])
    cells = ["".join(f"<td{_LEFT}>{escape(str(value))}</td>" for value in row.values()) for row in rows]
    lines = [f"<tr>{row}</tr>" for row in cells]
    return f'<table border="1"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
