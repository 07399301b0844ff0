"""Which packages the course needs and does not find, and how they get here."""

import importlib
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

from korqg.config import COURSE_FOLDER
from korqg.errors import KorqgError

REQUIREMENTS = COURSE_FOLDER / "requirements.txt"


def install_missing_packages(requirements: Path = REQUIREMENTS) -> None:
    """Let pip fetch what `missing_packages` lists; return at once where that is nothing.

    A torch that is there keeps its version, whatever another package would like: it was chosen for the machine's GPU.
    Raises KorqgError with pip's reason when it fails, and when this process has already imported an older version of
    what was fetched.
    """
    missing = missing_packages(requirements)
    if not missing:
        return
    print(f"Installing what is missing or too old ({len(missing)} packages, some minutes):", ", ".join(missing))
    sys.stdout.flush()
    torch = version_of("torch")
    kept = [f"torch=={torch}"] if torch and not any(_name_of(line) == "torch" for line in missing) else []
    imported = [line for line in missing if _name_of(line).replace("-", "_") in sys.modules]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *missing, *kept]
    pip = subprocess.run(command, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    importlib.invalidate_caches()
    if pip.returncode:
        said = [line.strip() for line in pip.stderr.splitlines() if line.strip() and "WARNING" not in line]
        raise KorqgError(
            f"pip could not install {', '.join(missing)}: {' '.join(said[:2]) or 'it gave no reason'} The network is "
            "needed for this once (behind a proxy, HTTPS_PROXY too), and 4 GB of disk. In the whole course, choose "
            "the kernel of its .venv, which `make run` makes; or in a terminal: "
            f'"{sys.executable}" -m pip install -r "{requirements}"',
            "패키지를 설치하지 못했습니다. 네트워크와 디스크 공간(4GB)을 확인하세요.",
        )
    if imported:
        raise KorqgError(
            f"Installed, but this kernel had already loaded another version of {', '.join(imported)}: restart it and "
            "run the notebook from its first cell.",
            "설치했습니다. 커널을 다시 시작하고 첫 셀부터 실행하세요.",
        )


def require_packages() -> None:
    """Raise KorqgError with the command to run when a package is missing; for programs, which install nothing."""
    if missing := missing_packages():
        raise KorqgError(
            f'Not installed: {", ".join(missing)}. Run: "{sys.executable}" -m pip install -r "{REQUIREMENTS}"'
        )


def missing_packages(requirements: Path = REQUIREMENTS) -> list[str]:
    """The lines of a requirements file that are not met here, such as "transformers>=5.20,<6", without their markers.

    A package of another version than the line allows is missing too; one that the line's marker leaves out for this
    system is not. Where `packaging` is not installed, only whole packages are missed, not versions.
    """
    lines = [line.partition("#")[0].strip() for line in requirements.read_text(encoding="utf-8").splitlines()]
    return [line.split(";")[0].strip() for line in lines if line and not _is_met(line)]


def _is_met(line: str) -> bool:
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return version_of(_name_of(line)) is not None
    requirement = Requirement(line)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    version = version_of(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _name_of(line: str) -> str:
    return re.match(r"[\w.-]*\w", line)[0]


def version_of(name: str) -> str | None:
    """The version of an installed package; None where it is not installed."""
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
