"""Published files, from a server in this process: fetched once, checked, and what is said when that fails."""

import contextlib
import hashlib
import http.server
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from conftest import COURSE

from korqg.data.downloads import (
    KORQUAD1,
    KORQUAD2,
    PublishedFile,
    fetch,
    korquad_folder,
    published_parts,
)
from korqg.errors import KorqgError

pytestmark = pytest.mark.files

CONTENT = random.Random(1).randbytes(600_000)


@dataclass
class Server:
    """What the server does, and how often it was asked."""

    address: str = ""
    content: bytes = CONTENT
    cuts_after: list[int] = field(default_factory=list)  # bytes until each of the first answers breaks off
    refuses: list[int] = field(default_factory=list)  # HTTP codes of the first answers
    seconds: float = 0.0
    asked: int = 0

    def file(self) -> PublishedFile:
        checksum = hashlib.sha256(CONTENT).hexdigest()
        return PublishedFile("data.json", f"{self.address}/data.json", len(CONTENT), checksum)


@pytest.fixture
def server(monkeypatch):
    """A running server; its behaviour is set on the object before it is asked."""
    behaviour = Server()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            behaviour.asked += 1
            if behaviour.refuses:
                self.send_error(behaviour.refuses.pop(0))
                return
            body = behaviour.content
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            time.sleep(behaviour.seconds)
            with contextlib.suppress(ConnectionError):  # whoever asked has gone
                self.wfile.write(body[: behaviour.cuts_after.pop(0)] if behaviour.cuts_after else body)

        def log_message(self, *arguments):
            pass

    running = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    behaviour.address = f"http://127.0.0.1:{running.server_port}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield behaviour
    running.shutdown()
    thread.join()
    running.server_close()


def _fetch(file: PublishedFile, folder: Path) -> Path:
    return fetch(file, folder, attempts=1, timeout_seconds=5)


def _left_in(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if not path.name.startswith(".")]


def test_file_is_fetched_once(server, tmp_path, capsys):
    path = _fetch(server.file(), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "data.json"
    assert path.read_bytes() == CONTENT
    assert capsys.readouterr().out == "Fetching data.json (0.6 MB) from 127.0.0.1 ...\n"
    assert _fetch(server.file(), path.parent) == path
    assert server.asked == 1
    assert _left_in(path.parent) == ["data.json"]


def test_busy_server_and_broken_connection_are_tried_again(server, tmp_path):
    server.refuses, server.cuts_after = [503], [100_000]
    assert fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == 3
    assert _left_in(tmp_path) == ["data.json"]


def test_refusal_names_the_address_and_the_folder(server, tmp_path):
    server.refuses = [404]
    with pytest.raises(KorqgError) as caught:
        _fetch(server.file(), tmp_path)
    for said in ("404", f"Open {server.address}/data.json", f"the folder {tmp_path} ", "source_path"):
        assert said in str(caught.value)
    assert _left_in(tmp_path) == []


def test_no_connection_names_the_address_and_the_folder(tmp_path, monkeypatch):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        address = f"http://127.0.0.1:{closed.getsockname()[1]}/data.json"
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "127.0.0.1")
        with pytest.raises(KorqgError, match=r"cannot be fetched \(.*refused") as caught:
            _fetch(PublishedFile("data.json", address, 3, "0" * 64), tmp_path)
    assert f"Open {address} in a browser, save it as data.json in the folder {tmp_path} " in str(caught.value)


def test_silent_server_is_given_up(server, tmp_path):
    server.seconds = 1.0
    with pytest.raises(KorqgError, match=r"cannot be fetched \(.*timed out"):
        fetch(server.file(), tmp_path, attempts=1, timeout_seconds=0.05)


@pytest.mark.parametrize("content", [CONTENT[:-1] + b"?", b"<html>log in</html>"], ids=["another byte", "a page"])
def test_other_content_is_deleted_and_said(server, tmp_path, content):
    server.content = content
    with pytest.raises(KorqgError, match=r"is not data.json as published: its SHA-256 is another one"):
        _fetch(server.file(), tmp_path)
    assert _left_in(tmp_path) == []


def test_file_put_there_by_hand_is_taken(server, tmp_path):
    (tmp_path / "data.json").write_bytes(CONTENT)
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == 0


def test_another_file_put_there_by_hand_is_left_alone_and_said(server, tmp_path):
    (tmp_path / "data.json").write_bytes(CONTENT[:-1])
    with pytest.raises(KorqgError, match=r"data.json is not data.json as published .*Delete it.*source_path"):
        _fetch(server.file(), tmp_path)
    assert (tmp_path / "data.json").read_bytes() == CONTENT[:-1]
    assert server.asked == 0


FETCH = """
import json, sys
from pathlib import Path
from korqg.data.downloads import PublishedFile, fetch
print(fetch(PublishedFile(**json.loads(sys.argv[1])), Path(sys.argv[2])))
"""


def test_two_processes_fetch_it_once(server, tmp_path):
    server.seconds = 0.9
    environment = os.environ | {"PYTHONPATH": str(COURSE / "notebooks")}
    command = [sys.executable, "-c", FETCH, json.dumps(vars(server.file())), str(tmp_path)]
    started = [
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True, encoding="utf-8")
        for _ in range(2)
    ]
    shown = [process.communicate(timeout=60)[0] for process in started]
    assert [process.returncode for process in started] == [0, 0]
    assert server.asked == 1
    assert all(text.endswith(f"{tmp_path / 'data.json'}\n") for text in shown)


def test_too_little_space_is_said_before_anything_is_fetched(server, tmp_path, monkeypatch):
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    with pytest.raises(KorqgError, match=r"The disk is full: .*data.json \(1 MB, 0 MB free\)"):
        _fetch(server.file(), tmp_path)
    assert server.asked == 0


def test_folder_that_cannot_be_made_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KorqgError, match=r"Cannot write .*file.*KORQG_CACHE"):
        _fetch(server.file(), tmp_path / "file" / "korquad")


def test_parts_are_chosen_by_name():
    assert [file.name for file in published_parts("korquad1", "train")] == ["KorQuAD_v1.0_train.json"]
    assert published_parts("korquad1", "all") == published_parts("korquad1", "dev, train") == list(KORQUAD1.values())
    assert len(published_parts("korquad2", "train")) == 13
    assert len(published_parts("korquad2", "dev")) == 2
    assert published_parts("korquad2", "all") == list(KORQUAD2.values())
    assert [file.name for file in published_parts("korquad2", "dev_01, train_00,dev_01")] == [
        "KorQuAD_2.1_train_00.zip",
        "KorQuAD_2.1_dev_01.zip",
    ]


@pytest.mark.parametrize("which", ["test", "", ",", "train_13", "train,tarin"])
def test_unknown_part_is_an_error_that_lists_the_known_ones(which):
    with pytest.raises(KorqgError, match=r"KorQuAD 2.1 has no part .*train, dev, all, train_00, .*dev_01\."):
        published_parts("korquad2", which)
    with pytest.raises(KorqgError, match=r"KorQuAD 1.0 has no part .*train, dev, all\."):
        published_parts("korquad1", "train_00")


def test_table_is_whole():
    files = [*KORQUAD1.values(), *KORQUAD2.values()]
    assert len({file.name for file in files}) == len({file.sha256 for file in files}) == 17
    for file in files:
        assert file.address.startswith("https://")
        assert file.address.endswith("/" + file.name)
        assert len(file.sha256) == 64
    assert KORQUAD2["dev_01"].address.endswith("/dataset/KorQuAD_2.1/dev/KorQuAD_2.1_dev_01.zip")


def test_folder_follows_the_cache_variable(monkeypatch, tmp_path):
    monkeypatch.setenv("KORQG_CACHE", str(tmp_path))
    assert korquad_folder() == tmp_path / "korquad"


def test_korquad_dev_put_there_by_hand_is_the_published_one(shared_data, tmp_path):
    (tmp_path / "KorQuAD_v1.0_dev.json").write_bytes((shared_data / "KorQuAD_v1.0_dev.json").read_bytes())
    (file,) = published_parts("korquad1", "dev")
    assert fetch(file, tmp_path).stat().st_size == file.bytes
