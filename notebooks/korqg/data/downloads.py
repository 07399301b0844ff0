"""The published files of KorQuAD and KLUE-MRC (published.yaml), fetched once into the user's cache and checked."""

import logging
import shutil
import urllib.parse
from dataclasses import dataclass
from pathlib import Path

import yaml

from korqg.errors import KorqgError, full_disk
from korqg.files import cache_folder, cannot_write, sha256_of

ATTEMPTS = 3  # So often is a file asked for, with pauses of one second and two
LONGEST_WAIT = 3600  # Seconds after which a process no longer waits for another one that fetches the same file


@dataclass(frozen=True)
class PublishedFile:
    """A file as it was published: its name, address, length in bytes and SHA-256 in hexadecimal."""

    name: str
    address: str
    bytes: int
    sha256: str


_TABLE = yaml.safe_load(Path(__file__).with_name("published.yaml").read_text(encoding="utf-8"))
KORQUAD1, KORQUAD2, _KLUE = (
    {part: PublishedFile(address.rpartition("/")[2], address, *known) for part, (address, *known) in files.items()}
    for files in _TABLE.values()
)
KLUE_MRC = _KLUE["all"]
KLUE_MRC_PARTS = {"train": "klue-mrc-v1_train.json", "dev": "klue-mrc-v1_dev.json"}  # The files in its archive, by part
PUBLISHED = {
    "korquad1": ("KorQuAD 1.0", KORQUAD1),
    "korquad2": ("KorQuAD 2.1", KORQUAD2),
    "klue_mrc": ("KLUE-MRC", KLUE_MRC_PARTS),
}


def published_parts(source: str, which: str = "all") -> list:
    """What there is of a source of PUBLISHED for "train", "dev", "all", or several parts such as "train_00,dev_01".

    Files to fetch; of KLUE-MRC the names of those in its archive. Raises KorqgError for a part that there is not.
    """
    corpus, published = PUBLISHED[source]
    wanted = [name.strip() for name in which.split(",") if name.strip()]
    chosen = [part for part in published for name in wanted if name in ("all", part, part.partition("_")[0])]
    known = list(dict.fromkeys([*(part.partition("_")[0] for part in published), "all", *published]))
    unknown = [name for name in wanted if name not in known]
    if unknown or not wanted:
        wrong = ", ".join(map(repr, unknown)) or repr(which)
        raise KorqgError(f"{corpus} has no part {wrong}; use one of these, or several with commas: {', '.join(known)}.")
    return [published[part] for part in dict.fromkeys(chosen)]


def korquad_folder() -> Path:
    """Where the files are kept: korquad/ in the cache folder of korqg (see `cache_folder`)."""
    return cache_folder() / "korquad"


def fetch(file: PublishedFile, folder: Path, attempts: int = ATTEMPTS, timeout_seconds: float = 30.0) -> Path:
    """The path of a published file in `folder`, downloaded by pooch unless it is there already.

    A file in the folder, fetched or put there by hand, is taken when its SHA-256 is the published one. Another
    process that comes while it is fetched waits. `timeout_seconds` bounds each wait for the server, not the download.

    Raises KorqgError when the file in the folder is another one, when the server cannot be reached or sends
    something else, and when the folder cannot be written; the message says where to get the file and where
    to put it.
    """
    from filelock import FileLock, Timeout

    path = folder / file.name
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with FileLock(folder / f".{file.name}.lock", timeout=LONGEST_WAIT):
            if not path.exists():
                _download(file, path, attempts, timeout_seconds)
            elif sha256_of(path) != file.sha256:
                raise KorqgError(
                    f"{path} is not {file.name} as published (its SHA-256 is not {file.sha256}). Delete it, and it is "
                    "fetched anew; or set source_path to use a file of your own."
                )
    except Timeout:
        raise KorqgError(
            f"Another process has been fetching {path.name} for an hour: end it, then run this again."
        ) from None
    except OSError as error:
        raise cannot_write(error.filename or path, error, "KORQG_CACHE in the environment") from None
    return path


def _download(file: PublishedFile, path: Path, attempts: int, timeout: float) -> None:
    import pooch
    import requests
    from tqdm import tqdm

    free = shutil.disk_usage(path.parent).free
    if file.bytes > free:
        room = f"{path} ({file.bytes / 1e6:.0f} MB, {free / 1e6:.0f} MB free)"
        raise KorqgError(full_disk(room, "KORQG_CACHE in the environment"))
    print(f"Fetching {file.name} ({file.bytes / 1e6:.1f} MB) from {urllib.parse.urlsplit(file.address).hostname} ...")
    pooch.get_logger().setLevel(logging.ERROR)
    published = pooch.create(
        path.parent,
        base_url="",
        registry={file.name: f"sha256:{file.sha256}"},
        urls={file.name: file.address},
        retry_if_failed=attempts - 1,
    )
    # In a log there is no bar, in a terminal it vanishes
    with tqdm(desc=file.name, total=file.bytes, unit="B", unit_scale=True, ncols=78, leave=False, disable=None) as bar:
        by_http = pooch.HTTPDownloader(progressbar=bar, chunk_size=1 << 18, timeout=timeout)
        try:
            published.fetch(file.name, downloader=by_http)
        except requests.RequestException as error:
            raise KorqgError(f"{file.name} cannot be fetched ({error}). {_by_hand(file, path)}") from None
        except ValueError:
            raise KorqgError(
                f"What {file.address} sends is not {file.name} as published: its SHA-256 is another one. Nothing of it "
                f"was kept. {_by_hand(file, path)}"
            ) from None


def _by_hand(file: PublishedFile, path: Path) -> str:
    return (
        f"Open {file.address} in a browser, save it as {file.name} in the folder {path.parent} and run this again: "
        "it is then taken from there. Or set source_path to where you have it."
    )
