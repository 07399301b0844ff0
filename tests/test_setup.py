"""The setup cell: a notebook inside the course, a notebook alone, packages that are missing; cells out of order."""

import errno
import os
import re
import shutil
import subprocess
import sys

import nbformat
import pytest
from conftest import COURSE
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

import korqg
from korqg.errors import KorqgError, full_disk, in_words
from korqg.files import cannot_write
from korqg.packages import install_missing_packages, missing_packages

FIRST = "01_make_data.ipynb"


def _run_first_cells(folder, environment: dict, count: int = 2) -> str:
    """Execute the notebook's first code cells (parameters, setup) in `folder`; what they printed."""
    notebook = nbformat.read(folder / FIRST, as_version=4)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"][:count]
    code.append(nbformat.v4.new_code_cell("print(korqg.__file__)"))
    notebook.cells = code
    kept = {name: os.environ.get(name) for name in environment}
    os.environ.update(environment)
    try:
        NotebookClient(notebook, timeout=60, resources={"metadata": {"path": str(folder)}}).execute()
    finally:
        for name, value in kept.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
    return "".join(output.get("text", "") for cell in code for output in cell.outputs)


@pytest.fixture
def alone(tmp_path):
    folder = tmp_path / "빈 폴더"
    folder.mkdir()
    text = (COURSE / "notebooks" / FIRST).read_text(encoding="utf-8")
    nowhere = re.sub(r'REPOSITORY = \\"[^\\"]+', r'REPOSITORY = \\"YOUR_ACCOUNT/none', text)
    (folder / FIRST).write_text(nowhere, encoding="utf-8")
    return folder


@pytest.mark.chain
def test_notebook_alone_fetches_the_course_from_the_address(alone, tmp_path):
    source = tmp_path / "source"
    tracked = subprocess.run(
        ["git", "-C", str(COURSE), "ls-files", "-co", "--exclude-standard", "notebooks/korqg", "requirements.txt"],
        capture_output=True,
        text=True,
        check=False,
    )
    if tracked.returncode:
        pytest.skip("the course is not in a git repository here, so there is nothing to clone")
    for name in tracked.stdout.splitlines():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(COURSE / name, source / name)
    git = ["git", "-C", str(source), "-c", "user.name=course", "-c", "user.email=course@localhost"]
    subprocess.run([*git, "init", "-q"], check=True)
    subprocess.run([*git, "add", "."], check=True)
    subprocess.run([*git, "commit", "-qm", "all"], check=True)
    bare = tmp_path / "course.git"
    subprocess.run(["git", "clone", "-q", "--bare", str(source), str(bare)], check=True)

    printed = _run_first_cells(alone, {"KORQG_REPOSITORY_URL": bare.as_uri()})
    assert printed.strip() == str(alone / "korean-question-generation" / "notebooks" / "korqg" / "__init__.py")
    # A second time, after a restart, without an address: what was fetched is found.
    assert _run_first_cells(alone, {"KORQG_REPOSITORY_URL": ""}) == printed


@pytest.mark.chain
@pytest.mark.parametrize(
    ("address", "said"),
    [
        (
            "",
            r"(?s)could not be fetched from https://github.com/YOUR_ACCOUNT.*--cwd.*KORQG_REPOSITORY_URL.*저장소 주소",
        ),
        ("file:///no/such/course.git", "could not be fetched from file:///no"),
    ],
)
def test_notebook_alone_says_what_to_do(alone, address, said):
    with pytest.raises(CellExecutionError, match=said):
        _run_first_cells(alone, {"KORQG_REPOSITORY_URL": address})
    assert [path.name for path in alone.iterdir()] == [FIRST]


@pytest.mark.parametrize("folder", [".", "notebooks", "notebooks/sample_data/documents"])
def test_course_is_found_from_any_folder_of_it_and_nothing_is_fetched(folder):
    notebook = nbformat.read(COURSE / "notebooks" / FIRST, as_version=4)
    (setup,) = [cell.source for cell in notebook.cells if cell.source.startswith("# Setup")]
    environment = os.environ | {"KORQG_REPOSITORY_URL": "file:///no/such/course.git"}
    shown = subprocess.run(
        [sys.executable, "-c", f"{setup}\nprint(korqg.__file__)"],
        cwd=COURSE / folder,
        env={name: value for name, value in environment.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip() == str(COURSE / "notebooks" / "korqg" / "__init__.py")


def test_missing_git_is_told_in_a_sentence(alone):
    notebook = nbformat.read(alone / FIRST, as_version=4)
    (setup,) = [cell.source for cell in notebook.cells if cell.source.startswith("# Setup")]
    environment = os.environ | {"KORQG_REPOSITORY_URL": "file:///no/such/course.git", "PATH": str(alone)}
    failed = subprocess.run([sys.executable, "-c", setup], cwd=alone, env=environment, capture_output=True, text=True)
    assert "could not be fetched from file:///no/such/course.git:" in failed.stderr
    assert "git: " in failed.stderr and "not found" in failed.stderr and "During handling" not in failed.stderr
    assert [path.name for path in alone.iterdir()] == [FIRST]


def test_nothing_is_missing_where_the_tests_run():
    assert missing_packages() == []


def test_absent_and_old_packages_are_missing_and_others_left_alone(tmp_path):
    requirements = tmp_path / "requirements.txt"
    requirements.write_text(
        "# a remark\nno-such-package>=1.0; python_version > '3'  # absent\npandas>=9999\nnumpy>=1.0\n\n"
        'only-elsewhere>=1; sys_platform == "nowhere"\n'
    )
    assert missing_packages(requirements) == ["no-such-package>=1.0", "pandas>=9999"]


def test_packages_are_found_without_packaging_too(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "packaging.requirements", None)
    requirements = tmp_path / "requirements.txt"
    requirements.write_text('no-such-package>=1.0\nnumpy>=1.0,<9999\npandas; sys_platform != "nowhere"\n')
    assert missing_packages(requirements) == ["no-such-package>=1.0"]


@pytest.fixture
def two_missing(tmp_path):
    """Requirements of which one is absent and one too old here, and one is met."""
    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package>=1.0\npytest>=9999  # imported by now\nnumpy>=1.0\n")
    return requirements


@pytest.fixture
def pip(monkeypatch):
    """What pip is asked for, in place of asking it; `answer` is what it does."""
    from types import SimpleNamespace

    from korqg import packages

    asked = SimpleNamespace(commands=[], answer=SimpleNamespace(returncode=0, stderr=""))
    run = lambda command, **_: asked.commands.append(command) or asked.answer  # noqa: E731
    monkeypatch.setattr(packages, "subprocess", SimpleNamespace(run=run, DEVNULL=None))
    return asked


def test_what_is_missing_is_installed_and_torch_left_as_it_is(tmp_path, pip, capsys):
    from importlib.metadata import version

    requirements = tmp_path / "requirements.txt"
    requirements.write_text("no-such-package>=1.0\ntorch>=1\nnumpy>=1.0\n")
    install_missing_packages(requirements)
    (command,) = pip.commands
    assert command[1:4] == ["-m", "pip", "install"]
    assert command[-2:] == ["no-such-package>=1.0", f"torch=={version('torch')}"]
    assert "no-such-package>=1.0" in capsys.readouterr().out


def test_nothing_is_installed_where_nothing_is_missing(pip):
    install_missing_packages()
    assert pip.commands == []


def test_newer_version_of_what_is_loaded_asks_for_a_restart(two_missing, pip):
    with pytest.raises(KorqgError, match=r"already loaded another version of pytest>=9999: restart it"):
        install_missing_packages(two_missing)


def test_failing_pip_is_told_in_a_paragraph_with_its_reason_and_the_remedy(two_missing, pip):
    pip.answer.returncode = 1
    pip.answer.stderr = "WARNING: Retrying\nERROR: No matching distribution found for no-such-package>=1.0\n"
    with pytest.raises(KorqgError, match=r"(?s)No matching distribution.*HTTPS_PROXY.*-m pip install -r") as caught:
        install_missing_packages(two_missing)
    assert "Retrying" not in str(caught.value)


def test_name_that_no_cell_has_made_is_told_in_a_sentence():
    def raised(name: str) -> NameError:
        with pytest.raises(NameError) as caught:
            exec("config.folder", {"__name__": name})
        return caught.value

    assert "name 'config' is not defined: a cell above has not been run yet" in in_words(raised("__main__"))
    assert in_words(raised("some.library")) is None


@pytest.fixture
def shell(monkeypatch):
    """IPython as a notebook has it after its setup cell, which was run twice."""
    from IPython.core.interactiveshell import InteractiveShell

    from korqg.notebook import prepare_notebook

    shell = InteractiveShell()
    shell.user_ns["prepare"] = prepare_notebook
    monkeypatch.setattr("builtins.get_ipython", lambda: shell, raising=False)
    monkeypatch.setattr(korqg, "STARTED", korqg.STARTED)
    assert shell.run_cell("prepare()").success and shell.run_cell("prepare()").success
    return shell


def test_what_a_failed_cell_was_making_is_taken_out_and_the_rest_stays(shell):
    shell.run_cell("kept, made = 1, 1\ndef half():\n    made = 3\n    raise ValueError")
    shell.run_cell("loop = 0\nfor made in range(3):\n    new = made\n    if made: raise KeyboardInterrupt\nkept = 2")
    assert not {"loop", "made", "new"} & set(shell.user_ns) and shell.user_ns["kept"] == 1
    shell.run_cell("made = 1\nkept = half(\n)\nlater = 1")  # it has not got another value
    assert "made" not in shell.user_ns and "half" in shell.user_ns and shell.user_ns["kept"] == 1
    shell.run_cell("if kept:\n    kept = 3\n    kept = half()")
    assert "kept" not in shell.user_ns
    shell.run_cell("made = 2\nassert made == 2")
    assert shell.user_ns["made"] == 2


@pytest.mark.parametrize("error", ["KeyboardInterrupt", "KorqgError('so')", "ValueError"])
def test_what_a_stopped_function_held_is_given_back_when_the_parameters_are_read_again(shell, error):
    import gc

    from korqg.config import _free_memory

    shell.user_ns |= {"KorqgError": KorqgError, "held": []}
    shell.run_cell(
        "import weakref\nclass Model: pass\n"
        f"def train():\n    model = Model()\n    held.append(weakref.ref(model))\n    raise {error}\ntrain()"
    )
    shell.run_cell("1")
    _free_memory()
    gc.collect()
    assert shell.user_ns["held"][0]() is None


class SafetensorError(Exception):
    """As that of a library which knows no OSError."""


def _came_from(cause: BaseException) -> Exception:
    error = RuntimeError("could not be saved")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "장치에 남은 공간이 없음"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        SafetensorError("Error while serializing: I/O error: No space left on device (os error 28)"),
        SafetensorError("Error while serializing: IoError(디스크 공간이 부족합니다. (os error 112))"),
        RuntimeError("[enforce fail at inline_container.cc:664] . unexpected pos 64 vs 0"),
        RuntimeError("PytorchStreamWriter failed writing file data/0: file write failed"),
        Exception("database or disk is full"),
        OSError("262144 requested and 4096 written"),
        RuntimeError("basic_filebuf: 장치에 남은 공간이 없음"),
        OSError("Not enough free disk space to download the file"),
        _came_from(OSError(errno.ENOSPC, "")),
    ],
)
def test_every_full_disk_is_told_in_the_same_sentence(error):
    assert in_words(error) == full_disk()
    if isinstance(error, OSError):
        assert str(cannot_write("a.json", error)) == full_disk("a.json")


def test_other_errors_are_no_full_disk():
    assert in_words(OSError(errno.EACCES, "Permission denied")) is None
    assert "Choose another folder" in str(cannot_write("a.json", OSError(errno.EACCES, "Permission denied")))
    assert in_words(_came_from(ValueError("28"))) is None


def test_missing_kernel_is_told_with_the_remedy(tmp_path, monkeypatch):
    import papermill
    from jupyter_client.kernelspec import NoSuchKernel

    from korqg.pipeline import run_notebook

    def no_kernel(*arguments, **options):
        raise NoSuchKernel("python3")

    monkeypatch.setattr(papermill, "execute_notebook", no_kernel)
    with pytest.raises(KorqgError, match="-m pip install ipykernel"):
        run_notebook("data", "one", tmp_path, {})
