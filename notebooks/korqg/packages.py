"""Which packages the course needs and does not find."""

from importlib import metadata
from pathlib import Path

from korqg.config import COURSE_FOLDER


def missing_packages(requirements: Path = COURSE_FOLDER / "requirements.txt") -> list[str]:
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
        return _version_of(line.split(";")[0].rstrip("0123456789.<>=!~, ")) is not None
    requirement = Requirement(line)
    if requirement.marker is not None and not requirement.marker.evaluate():
        return True
    version = _version_of(requirement.name)
    return version is not None and requirement.specifier.contains(version, prereleases=True)


def _version_of(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
