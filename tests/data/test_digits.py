"""IDX files and MNIST: the format, damaged files, and a downloader that meets a bad server."""

from __future__ import annotations

import gzip
import hashlib
import http.server
import struct
import threading

import numpy as np
import pytest

from surefit.data import digits, mnist, read_idx
from surefit.data.download import fetch
from surefit.errors import DataError


def idx(array, code):
    """The bytes of an IDX file, written from the format's description."""
    a = np.asarray(array)
    return b"\0\0" + bytes([code, a.ndim]) + struct.pack(f">{a.ndim}I", *a.shape) + a.tobytes()


# ---- the format


@pytest.mark.parametrize(
    "code, dtype", [(0x08, ">u1"), (0x09, ">i1"), (0x0B, ">i2"), (0x0C, ">i4"), (0x0D, ">f4"), (0x0E, ">f8")]
)
@pytest.mark.parametrize("shape", [(3,), (2, 3), (2, 3, 4), (0, 5)])
@pytest.mark.parametrize("packed", [False, True])
def test_read_idx(tmp_path, code, dtype, shape, packed):
    array = np.random.default_rng(0).integers(-100 if dtype != ">u1" else 0, 100, shape).astype(dtype)
    path = tmp_path / "a"
    path.write_bytes(gzip.compress(idx(array, code)) if packed else idx(array, code))
    read = read_idx(path)
    assert read.dtype == np.dtype(dtype).newbyteorder("=") and read.shape == shape and read.dtype.isnative
    np.testing.assert_array_equal(read, array)
    read[...] = 0  # an array of one's own


GOOD = idx(np.arange(6, dtype=np.uint8).reshape(2, 3), 0x08)


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "not an IDX file: it starts with nothing"),
        (b"<html>404</html>", "not an IDX file: it starts with 3c 68 74 6d"),
        (b"\0\0\x07\x01" + GOOD[4:], "not an IDX file"),
        (b"\1" + GOOD[1:], "not an IDX file"),
        (GOOD[:7], "not an IDX file"),
        (GOOD[:-1], r"announces \(2, 3\), 6 bytes, but holds 5"),
        (GOOD + b"\0", r"announces \(2, 3\), 6 bytes, but holds 7"),
        (gzip.compress(GOOD, mtime=0)[:-9], "cannot be read.*fetch it again"),
        (gzip.compress(GOOD, mtime=0)[:-6] + b"\1\2\3\4\5\6", "cannot be read.*fetch it again"),
    ],
)
def test_not_idx(tmp_path, content, message):
    path = tmp_path / "a"
    path.write_bytes(content)
    with pytest.raises(DataError, match=message):
        read_idx(path)


def test_no_file(tmp_path):
    with pytest.raises(DataError, match="cannot be read"):
        read_idx(tmp_path / "a")


# ---- mnist from a directory


@pytest.fixture(scope="session")
def real(shared_data):
    return mnist(shared_data("mnist"))


def test_the_real_digits(real):
    assert real.train_images.shape == (60000, 28, 28) and real.test_images.shape == (10000, 28, 28)
    assert real.train_images.dtype == np.uint8 and real.train_labels.dtype == np.int64
    # counts by digit, as LeCun's page and every study of the set state them
    assert np.bincount(real.train_labels).tolist() == [
        5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949
    ]  # fmt: skip
    assert np.bincount(real.test_labels).tolist() == [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
    assert real.train_labels[:5].tolist() == [5, 0, 4, 1, 9] and real.test_labels[:3].tolist() == [7, 2, 1]
    # the mean and standard deviation that PyTorch's examples normalise with
    assert real.train_images.mean() / 255 == pytest.approx(0.1307, abs=5e-5)
    assert real.train_images.std() / 255 == pytest.approx(0.3081, abs=5e-5)


def test_known_checksums(shared_data):
    for name, expected in digits.SHA256.items():
        data = gzip.decompress(shared_data(f"mnist/{name}.gz").read_bytes())
        assert hashlib.sha256(data).hexdigest() == expected


def small_set():
    """Four IDX files of a tiny set, by name."""
    rng = np.random.default_rng(0)
    files = {}
    for name, n in (("train", 5), ("t10k", 2)):
        files[f"{name}-images-idx3-ubyte"] = idx(rng.integers(0, 256, (n, 4, 4)).astype(np.uint8), 0x08)
        files[f"{name}-labels-idx1-ubyte"] = idx(np.arange(n, dtype=np.uint8), 0x08)
    return files


@pytest.mark.parametrize("folder, suffix", [(".", ""), (".", ".gz"), ("MNIST/raw", "")])
def test_directories(tmp_path, folder, suffix):
    (tmp_path / folder).mkdir(parents=True, exist_ok=True)
    for name, data in small_set().items():
        (tmp_path / folder / (name + suffix)).write_bytes(gzip.compress(data) if suffix else data)
    train_images, train_labels, test_images, test_labels = mnist(tmp_path)
    assert train_images.shape == (5, 4, 4) and test_images.shape == (2, 4, 4)
    assert train_labels.tolist() == [0, 1, 2, 3, 4] and test_labels.tolist() == [0, 1]


def test_missing_files(tmp_path, monkeypatch):
    with pytest.raises(DataError, match=r"no train-images-idx3-ubyte or .*root=.*download=True"):
        mnist(tmp_path)
    monkeypatch.setenv("SUREFIT_CACHE", str(tmp_path / "cache"))
    with pytest.raises(DataError, match="download=True"):
        mnist()
    assert not (tmp_path / "cache").exists()
    monkeypatch.setenv("SUREFIT_CACHE", "off")
    with pytest.raises(DataError, match=r"SUREFIT_CACHE=off.*root="):
        mnist(download=True)


def test_files_that_do_not_belong_together(tmp_path):
    for name, data in small_set().items():
        (tmp_path / name).write_bytes(data)
    (tmp_path / "train-labels-idx1-ubyte").write_bytes(idx(np.zeros(4, np.uint8), 0x08))
    with pytest.raises(DataError, match=r"train images \(5, 4, 4\) and labels \(4,\) do not belong together"):
        mnist(tmp_path)


# ---- downloading, from a server on this machine


class Server:
    """Serves `files`, path -> bytes, with `faults`, path -> one fault for each request."""

    def __init__(self):
        self.files, self.faults, self.requests = {}, {}, []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *args):
                pass

        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}/"
        self.thread = threading.Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def stop(self):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()

    def answer(self, request):
        name, wanted = request.path.lstrip("/"), request.headers.get("Range")
        self.requests.append((name, wanted))
        fault = (self.faults.get(name) or [None]).pop(0)
        if isinstance(fault, int):
            return request.send_error(fault)
        if name not in self.files:
            return request.send_error(404)
        data, start = self.files[name], 0
        if wanted and fault != "no ranges":
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                request.send_response(416)
                request.send_header("Content-Range", f"bytes */{len(data)}")
                request.send_header("Content-Length", "0")
                return request.end_headers()
            request.send_response(206)
            request.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        else:
            request.send_response(200)
        body = data[start:]
        if fault != "no length":
            request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        if fault == "cut":  # the connection breaks after a third
            body = body[: max(1, len(body) // 3)]
        if fault == "empty":
            body = b""
        request.wfile.write(body)
        request.close_connection = True
        return None


@pytest.fixture
def server(monkeypatch):
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    it = Server()
    yield it
    it.stop()


CONTENT = np.random.default_rng(1).integers(0, 256, 300_000).astype(np.uint8).tobytes()
SUM = hashlib.sha256(CONTENT).hexdigest()


def test_plain_download(server, tmp_path):
    server.files["f"] = CONTENT
    path = fetch([server.url + "f"], tmp_path / "f", SUM)
    assert path.read_bytes() == CONTENT and [p.name for p in tmp_path.iterdir()] == ["f"]
    assert server.requests == [("f", None)]


def test_resumes_where_the_connection_broke(server, tmp_path):
    server.files["f"] = CONTENT
    server.faults["f"] = ["cut", "cut"]
    assert fetch([server.url + "f"], tmp_path / "f", SUM).read_bytes() == CONTENT
    first = len(CONTENT) // 3
    second = first + (len(CONTENT) - first) // 3
    assert server.requests == [("f", None), ("f", f"bytes={first}-"), ("f", f"bytes={second}-")]


def test_a_later_call_and_another_mirror_resume(server, tmp_path):
    server.files.update(a=CONTENT, b=CONTENT)
    server.faults["a"] = ["cut", "empty"]
    with pytest.raises(DataError, match=r"a: ended after 100000 of 300000 bytes"):
        fetch([server.url + "a"], tmp_path / "f", SUM)
    assert [p.name for p in tmp_path.iterdir()] == ["f.part"]  # never under its own name before it is whole
    assert fetch([server.url + "b"], tmp_path / "f", SUM).read_bytes() == CONTENT
    assert server.requests[-1] == ("b", "bytes=100000-")


def test_a_server_without_ranges_starts_again(server, tmp_path):
    server.files["f"] = CONTENT
    server.faults["f"] = ["cut", "no ranges"]
    assert fetch([server.url + "f"], tmp_path / "f", SUM).read_bytes() == CONTENT
    assert len(server.requests) == 2


def test_a_server_that_does_not_say_the_length(server, tmp_path):
    server.files["f"] = CONTENT
    server.faults["f"] = ["no length"]
    assert fetch([server.url + "f"], tmp_path / "f", SUM).read_bytes() == CONTENT


def test_what_was_left_is_whole(server, tmp_path):
    server.files["f"] = CONTENT
    (tmp_path / "f.part").write_bytes(CONTENT)
    assert fetch([server.url + "f"], tmp_path / "f", SUM).read_bytes() == CONTENT
    assert server.requests == [("f", f"bytes={len(CONTENT)}-")]


@pytest.mark.parametrize("rest", [b"x" * 1000, b"x" * 300_000, b"x" * 400_000])
def test_what_was_left_is_wrong(server, tmp_path, rest):
    server.files["f"] = CONTENT
    (tmp_path / "f.part").write_bytes(rest)
    assert fetch([server.url + "f"], tmp_path / "f", SUM).read_bytes() == CONTENT


def test_wrong_checksum(server, tmp_path):
    server.files.update(a=CONTENT[:-1] + b"!", b=CONTENT)
    with pytest.raises(DataError, match=f"a: wrong checksum .*expected {SUM[:12]}"):
        fetch([server.url + "a"], tmp_path / "f", SUM)
    assert list(tmp_path.iterdir()) == []  # neither the file nor its rest
    assert fetch([server.url + "a", server.url + "b"], tmp_path / "f", SUM).read_bytes() == CONTENT


def test_every_failure_is_told(server, tmp_path):
    server.faults["b"] = [503]
    server.files["c.gz"] = b"<html>please log in</html>"
    urls = [server.url + "a", server.url + "b", "http://127.0.0.1:9/f", server.url + "c.gz"]
    with pytest.raises(DataError) as caught:
        fetch(urls, tmp_path / "f.gz", SUM, timeout=5)
    lines = str(caught.value).splitlines()
    assert lines[0] == "download of f.gz failed:"
    for line, url, reason in zip(
        lines[1:],
        urls,
        ["HTTP status 404", "HTTP status 503", "refused", "not a whole gzip file"],
        strict=True,
    ):
        assert url in line and reason in line


def test_a_silent_server_is_given_up(tmp_path, monkeypatch):
    import socket

    monkeypatch.setenv("no_proxy", "127.0.0.1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/f"
        with pytest.raises(DataError, match="timed out"):
            fetch([url], tmp_path / "f", SUM, timeout=0.2)


def test_mnist_downloads_once(server, tmp_path, monkeypatch):
    files = small_set()
    monkeypatch.setattr(digits, "SHA256", {n: hashlib.sha256(data).hexdigest() for n, data in files.items()})
    server.files = {f"good/{name}.gz": gzip.compress(data, level) for level, (name, data) in enumerate(files.items())}
    server.faults = {"good/train-images-idx3-ubyte.gz": ["cut"]}
    monkeypatch.setenv("SUREFIT_CACHE", str(tmp_path / "cache"))
    mirrors = [server.url + "gone", server.url + "good/"]
    first = mnist(download=True, mirrors=mirrors)
    assert first.train_labels.tolist() == [0, 1, 2, 3, 4]
    assert {p.name for p in (tmp_path / "cache" / "mnist").iterdir()} == {f"{name}.gz" for name in files}
    count = len(server.requests)
    again = mnist(mirrors=mirrors)
    np.testing.assert_array_equal(first.train_images, again.train_images)
    assert mnist(tmp_path / "own", download=True, mirrors=mirrors).test_labels.tolist() == [0, 1]
    assert len(server.requests) == count + 8 and (tmp_path / "own" / "t10k-labels-idx1-ubyte.gz").exists()


def test_mnist_refuses_altered_files(server, tmp_path):
    server.files = {f"{name}.gz": gzip.compress(data) for name, data in small_set().items()}
    with pytest.raises(DataError, match=r"train-images-idx3-ubyte.gz failed:\n.*wrong checksum"):
        mnist(tmp_path, download=True, mirrors=[server.url])
    assert list(tmp_path.iterdir()) == []
