"""Text and tables for HTML, where all text is escaped as it enters, and templates filled in."""

import functools
import html
from pathlib import Path

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


@functools.cache
def templates(folder: Path):
    """jinja2's environment for the HTML templates of a folder.

    All text is escaped as `escape` does, but for what the filters say: `attribute` for the value of an attribute, where
    no <span> may stand, and jinja2's own `safe` for what is HTML already. `table` makes a table of rows.
    """
    import jinja2
    from markupsafe import Markup

    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(folder),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,  # a name that is not given is an error, not an empty place
        # Called with each value before jinja2 escapes it; what is escaped here is marked, and not escaped again.
        finalize=lambda value: value if hasattr(value, "__html__") else Markup(escape(str(value))),
    )
    environment.filters["attribute"] = lambda text: Markup(html.escape(text))
    environment.globals["table"] = lambda rows: Markup(table(rows))
    return environment


def fill_plain(template: Path, **values) -> str:
    """A jinja2 template of text that is no HTML, such as Markdown, filled in: nothing is escaped."""
    import jinja2

    environment = jinja2.Environment(trim_blocks=True, keep_trailing_newline=True, undefined=jinja2.StrictUndefined)
    return environment.from_string(template.read_text(encoding="utf-8")).render(**values)
