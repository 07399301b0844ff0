"""Imports between the rooms of korqg run one way: see the names of the rooms in korqg/__init__.py."""

import ast

from conftest import COURSE

PACKAGE = COURSE / "notebooks" / "korqg"
USES = {"model": [], "ask": ["model"], "data": ["ask"], "train": ["model"], "compare": ["ask"]}
USES["research"] = [*USES, "research"]


def _imported(tree):
    """The names of korqg's modules that a file imports, at its top and within functions."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            yield from ([f"{node.module}.{name.name}" for name in node.names] if not node.level else ["korqg.relative"])
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def _arrows():
    files = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in PACKAGE.rglob("*.py")}
    for name, path in files.items():
        for full in _imported(ast.parse(path.read_text(encoding="utf-8"))):
            to = full if full in files else full.rpartition(".")[0]
            if full.startswith("korqg.") and to != "korqg":
                assert to in files, f"{name} imports {full}"
                yield name, to


def _room(name):
    return name.split(".")[1] if name.split(".")[1] in USES else ""


def test_rooms_use_one_another_in_one_direction():
    for name, to in _arrows():
        if name != "korqg.ask.__main__":  # a program, which stands above the rooms
            assert _room(to) in ("", _room(name), *USES.get(_room(name), [])), f"{name} must not import {to}"
        assert not to.endswith("__main__"), f"{name} imports the program {to}"


def test_no_modules_import_one_another_in_a_circle():
    left = set(_arrows())
    while free := {to for _, to in left} - {name for name, _ in left}:
        left = {(name, to) for name, to in left if to not in free}
    assert not left, sorted(left)


def test_old_names_give_what_they_gave():
    from korqg.checks import why_nothing_to_ask
    from korqg.documents import chunk_documents
    from korqg.models import built_in_folder, choose_model, load_tokenizer, save_adapter
    from korqg.pages import side_by_side_page
    from korqg.tracking import finish_wandb, start_wandb

    given = [why_nothing_to_ask, chunk_documents, built_in_folder, choose_model, load_tokenizer, save_adapter]
    homes = {one.__module__ for one in [*given, side_by_side_page, finish_wandb, start_wandb]}
    assert homes == {f"korqg.{new}" for new in ("question", "data.documents.chunks", "model.choose", "model.save")} | {
        "korqg.compare.page",
        "korqg.train.wandb_run",
    }
