"""Published files, from a server in this process: fetched once, resumed, checked, and what is said when that fails."""

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
    """What the server does, and what it was asked: the start of each range."""

    address: str = ""
    content: bytes = CONTENT
    honours_range: bool = True
    shifts_range: int = 0
    says_length: bool = True
    cuts_after: list[int] = field(default_factory=list)  # bytes until each of the first answers breaks off
    refuses: list[int] = field(default_factory=list)  # HTTP codes of the first answers
    seconds: float = 0.0
    sent: int = 0  # answers that were taken to their end
    asked: list[int] = field(default_factory=list)

    def file(self, content: bytes = CONTENT) -> PublishedFile:
        return PublishedFile(
            "data.json", f"{self.address}/data.json", len(content), hashlib.sha256(content).hexdigest()
        )


@pytest.fixture
def server(monkeypatch):
    """A running server; its behaviour is set on the object before it is asked."""
    behaviour = Server()
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            wanted = self.headers.get("Range", "bytes=0-")
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            behaviour.asked.append(start)
            if behaviour.refuses:
                self.send_error(behaviour.refuses.pop(0))
                return
            if not behaviour.honours_range:
                start = 0
            self.send_response(206 if start else 200)
            if start:
                start += behaviour.shifts_range
                whole = len(behaviour.content)
                self.send_header("Content-Range", f"bytes {start}-{whole - 1}/{whole}")
            body = behaviour.content[start:]
            if behaviour.says_length:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            time.sleep(behaviour.seconds)
            with contextlib.suppress(ConnectionError):  # whoever asked has gone
                self.wfile.write(body[: behaviour.cuts_after.pop(0)] if behaviour.cuts_after else body)
                behaviour.sent += 1

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
    return fetch(file, folder, first_pause_seconds=0.01, timeout_seconds=5)


def test_file_is_fetched_once(server, tmp_path, capsys):
    path = _fetch(server.file(), tmp_path / "new" / "folder")
    assert path == tmp_path / "new" / "folder" / "data.json"
    assert path.read_bytes() == CONTENT
    assert capsys.readouterr().out == "Fetching data.json (0.6 MB) from 127.0.0.1 ...\n"
    assert _fetch(server.file(), path.parent) == path
    assert server.asked == [0]
    assert [found.name for found in path.parent.iterdir() if found.suffix == ".part"] == []


def test_broken_download_is_resumed_where_it_broke_off(server, tmp_path):
    server.cuts_after = [100_000, 200_000]
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [0, 100_000, 300_000]


def test_download_without_a_stated_length_is_resumed_too(server, tmp_path):
    server.cuts_after, server.says_length = [100_000], False
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [0, 100_000]


def test_part_of_an_earlier_run_is_resumed(server, tmp_path):
    (tmp_path / "data.json.part").write_bytes(CONTENT[:250_000])
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [250_000]


@pytest.mark.parametrize("length", [250_000, len(CONTENT), len(CONTENT) + 9])
def test_part_of_another_file_is_replaced(server, tmp_path, length):
    (tmp_path / "data.json.part").write_bytes(bytes(length))
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked[-1] == 0


def test_part_of_another_file_and_other_content_end_in_an_error(server, tmp_path):
    (tmp_path / "data.json.part").write_bytes(CONTENT[:1000])
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(KorqgError, match=r"is not data.json as published"):
        _fetch(server.file(), tmp_path)
    assert server.asked == [1000, 0]


def test_server_that_ignores_the_range_sends_it_all_again(server, tmp_path):
    server.cuts_after, server.honours_range = [100_000], False
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [0, 100_000]


def test_server_that_sends_another_range_is_asked_for_all(server, tmp_path):
    server.cuts_after, server.shifts_range = [100_000], -5
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert server.asked == [0, 100_000, 0]


def test_busy_server_is_asked_again(server, tmp_path):
    server.refuses = [503, 429, 500]
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    assert len(server.asked) == 4


@pytest.mark.parametrize(("code", "times"), [(404, 1), (403, 1), (503, 5)])
def test_refusal_names_the_address_and_the_folder(server, tmp_path, code, times):
    server.refuses = [code] * 9
    with pytest.raises(KorqgError) as caught:
        _fetch(server.file(), tmp_path)
    assert len(server.asked) == times
    for said in (f"answers {code}", f"Open {server.address}/data.json", f"the folder {tmp_path} ", "source_path"):
        assert said in str(caught.value)


def test_connection_that_always_breaks_off_ends_and_keeps_the_part(server, tmp_path):
    server.cuts_after = [10] * 9
    with pytest.raises(KorqgError, match=r"cannot be fetched \(the connection broke off\)"):
        _fetch(server.file(), tmp_path)
    assert server.asked == [0, 10, 20, 30, 40]
    assert (tmp_path / "data.json.part").read_bytes() == CONTENT[:50]


def _unknown_host(*arguments, **options):
    raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")


@pytest.mark.parametrize(
    ("way", "reason"), [("direct", "refused"), ("proxy", "refused"), ("no name service", "service not known")]
)
def test_no_connection_names_the_address_and_the_folder(tmp_path, monkeypatch, way, reason):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # taken, but nobody listens
        port = closed.getsockname()[1]
        address = f"http://127.0.0.1:{port}/data.json"
        for name in ("no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "" if way == "proxy" else "127.0.0.1")
        if way == "proxy":
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        if way == "no name service":
            monkeypatch.setattr("socket.getaddrinfo", _unknown_host)
        with pytest.raises(KorqgError, match=rf"cannot be fetched \(.*{reason}") as caught:
            _fetch(PublishedFile("data.json", address, 3, "0" * 64), tmp_path)
    assert f"Open {address} in a browser, save it as data.json in the folder {tmp_path} " in str(caught.value)


def test_silent_server_is_given_up(server, tmp_path):
    server.seconds = 1.0
    with pytest.raises(KorqgError, match=r"cannot be fetched \(.*timed out"):
        fetch(server.file(), tmp_path, first_pause_seconds=0.01, timeout_seconds=0.05)


def test_other_content_is_deleted_and_said(server, tmp_path):
    server.content = CONTENT[:-1] + b"?"
    with pytest.raises(KorqgError, match=r"is not data.json as published: its 600,000 bytes have the SHA-256"):
        _fetch(server.file(), tmp_path)
    assert [path.name for path in tmp_path.iterdir() if not path.name.startswith(".")] == []


@pytest.mark.parametrize("says_length", [True, False])
def test_longer_content_is_refused(server, tmp_path, says_length):
    server.content, server.says_length = CONTENT + bytes(40_000_000), says_length
    with pytest.raises(KorqgError, match=r"is not data.json as published"):
        _fetch(server.file(), tmp_path)
    assert (server.asked, server.sent) == ([0], 0)
    assert not (tmp_path / "data.json").exists()


def test_login_page_instead_of_the_file_leaves_the_part_alone(server, tmp_path):
    (tmp_path / "data.json.part").write_bytes(CONTENT[:1000])
    server.content, server.honours_range = b"<html>log in</html>", False
    with pytest.raises(KorqgError, match="it has 19 bytes instead of 600,000"):
        _fetch(server.file(), tmp_path)
    assert (tmp_path / "data.json.part").read_bytes() == CONTENT[:1000]


def test_file_put_there_by_hand_is_taken_and_hashed_once(server, tmp_path, monkeypatch):
    (tmp_path / "data.json").write_bytes(CONTENT)
    assert _fetch(server.file(), tmp_path).read_bytes() == CONTENT
    monkeypatch.setattr("korqg.data.downloads.sha256_of", lambda path: pytest.fail("hashed again"))
    _fetch(server.file(), tmp_path)
    assert server.asked == []


@pytest.mark.parametrize("content", [CONTENT[:-1], CONTENT[:-1] + b"?"], ids=["another size", "another byte"])
def test_another_file_put_there_by_hand_is_left_alone_and_said(server, tmp_path, content):
    (tmp_path / "data.json").write_bytes(content)
    with pytest.raises(KorqgError, match=r"data.json is not data.json as published .*Delete it.*source_path"):
        _fetch(server.file(), tmp_path)
    assert (tmp_path / "data.json").read_bytes() == content
    assert server.asked == []


def test_file_changed_after_it_was_fetched_is_found_out(server, tmp_path):
    path = _fetch(server.file(), tmp_path)
    later = path.stat().st_mtime + 10
    path.write_bytes(CONTENT[:-1] + b"?")
    os.utime(path, (later, later))
    with pytest.raises(KorqgError, match=r"is not data.json as published"):
        _fetch(server.file(), tmp_path)


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
    assert server.asked == [0]
    assert all(text.endswith(f"{tmp_path / 'data.json'}\n") for text in shown)


def test_threads_fetch_it_once(server, tmp_path):
    server.seconds = 0.2
    threads = [threading.Thread(target=_fetch, args=(server.file(), tmp_path)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert server.asked == [0]
    assert (tmp_path / "data.json").read_bytes() == CONTENT


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_disk_that_fills_up_is_said(server, tmp_path):
    (tmp_path / "data.json.part").symlink_to("/dev/full")
    with pytest.raises(KorqgError, match=r"The disk is full: .*KORQG_CACHE"):
        _fetch(server.file(), tmp_path)
    assert not (tmp_path / "data.json").exists()


def test_too_little_space_is_said_before_anything_is_fetched(server, tmp_path, monkeypatch):
    class Usage:
        free = 1000

    monkeypatch.setattr("shutil.disk_usage", lambda folder: Usage)
    with pytest.raises(KorqgError, match=r"The disk is full: .*data.json \(1 MB are missing, 0 MB free\)"):
        _fetch(server.file(), tmp_path)
    assert server.asked == []


def test_folder_that_cannot_be_made_is_said(server, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(KorqgError, match=r"Cannot write .*file.*KORQG_CACHE"):
        _fetch(server.file(), tmp_path / "file" / "korquad")


def test_saved_notebook_keeps_one_line_of_progress(server, tmp_path):
    import nbformat
    from nbclient import NotebookClient

    server.seconds = 0.1
    code = (
        f"import sys; sys.path.insert(0, {str(COURSE / 'notebooks')!r})\n"
        "from pathlib import Path\n"
        "from korqg.data import downloads\n"
        "from korqg.data.downloads import PublishedFile, fetch\n"
        "downloads.SECONDS_BETWEEN_BARS = 0\n"
        f"path = fetch({server.file()!r}, Path({str(tmp_path)!r}))"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    NotebookClient(notebook, timeout=60, kernel_name="python3").execute()
    printed, bar = notebook.cells[0].outputs
    assert printed.text == "Fetching data.json (0.6 MB) from 127.0.0.1 ...\n"
    assert list(bar.data) == ["text/plain"]
    assert bar.data["text/plain"].startswith("data.json: 100%")
    assert "widgets" not in notebook.metadata


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
