"""The modules that moved into rooms, under the names that they had before, for scripts that still import those."""

import importlib
import sys
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec

OLD_NAMES = {
    "checks": ("question",),
    "documents": ("data.documents.chunks",),
    "models": ("model.choose", "model.load", "model.save"),
    "pages": ("compare.page",),
    "tracking": ("train.wandb_run",),
}
"""The old name of a module in korqg, and the modules that hold its definitions now."""


class _OldNames(MetaPathFinder, Loader):
    def find_spec(self, name, path=None, target=None):
        package, _, old = name.rpartition(".")
        return ModuleSpec(name, self) if package == "korqg" and old in OLD_NAMES else None

    def create_module(self, spec):
        return None  # an ordinary one

    def exec_module(self, module):
        for new in OLD_NAMES[module.__name__.rpartition(".")[2]]:
            held = vars(importlib.import_module(f"korqg.{new}"))
            vars(module).update({name: value for name, value in held.items() if not name.startswith("__")})


def keep_old_names() -> None:
    """Let the old names be imported."""
    sys.meta_path.append(_OldNames())
