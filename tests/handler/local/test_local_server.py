"""`vitrine serve`: the gallery with its photos on one's own machine, and nothing of that machine besides."""

from __future__ import annotations

import http.client
import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx
import pytest

from handler.errors import BundleNotFound, ConfigurationError
from handler.local.local_server import create_local_app, listen
from handler.local.local_state import LocalState
from tests.faults import at_every_step
from tests.handler.support import event
from tests.live import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SERVE = """
import sys
from pathlib import Path
from handler.local.local_server import listen, serve_local

serve_local(Path(sys.argv[1]), None, listen("127.0.0.1", 0), announce=lambda url: print(url, flush=True))
"""


@dataclass
class Local:
    """A server in a process of its own."""

    host: str
    port: int

    def request(self, path: str, method: str = "GET", body: str | None = None) -> tuple[int, str, bytes]:
        """The path goes out as it is: no client tidies `..` away."""
        connection = http.client.HTTPConnection(self.host, self.port, timeout=20)
        try:
            connection.putrequest(method, path)
            connection.putheader("content-type", "application/json")
            connection.putheader("content-length", str(len(body or "")))
            connection.endheaders((body or "").encode())
            answer = connection.getresponse()
            return answer.status, answer.headers["content-type"], answer.read()
        finally:
            connection.close()


@pytest.fixture(scope="module")
def shop(bundles: Path, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the bundles whose photos lie beside files that are none of anybody's business."""
    folder = tmp_path_factory.mktemp("shop")
    shutil.copytree(photos, folder / "photos")
    (folder / "secret.txt").write_text("secret")
    (folder / "photos" / "red" / "not-a-product.jpg").write_text("secret")
    store = shutil.copytree(bundles, folder / "bundles")
    LocalState(store).remember_photos(folder / "photos")
    return store


@pytest.fixture(scope="module")
def server(shop: Path) -> Iterator[Local]:
    with subprocess.Popen([sys.executable, "-c", SERVE, str(shop)], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            url = urlsplit(process.stdout.readline().strip())
            yield Local(url.hostname or "", url.port or 0)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(20)


def test_gallery_api_and_photos_come_from_one_address(server: Local, photos: Path) -> None:
    assert server.request("/")[:2] == (200, "text/html; charset=utf-8")
    status, _, page = server.request("/v1/sessions", "POST", event("start_session")["body"])
    assert status == 200
    assert b'"image_url":"/photos/' in page
    assert server.request("/photos/red/03.jpg") == (200, "image/jpeg", (photos / "red" / "03.jpg").read_bytes())


@pytest.mark.parametrize(
    "path",
    [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "%2e%2e%2fsecret.txt",
        "..%252fsecret.txt",
        "red/../../secret.txt",
        "red/%2e%2e/%2e%2e/secret.txt",
        "..%5csecret.txt",
        "/etc/passwd",
        "%2fetc%2fpasswd",
        "../bundles/.local/signing.key",
        "red/not-a-product.jpg",
        "red/../red/03.jpg",
        "red//03.jpg",
        "red/03.jpg/",
        "red/03.jpg%00",
        "red",
        "",
        "catalog.jsonl",
        "%ff",
    ],
)
def test_only_photos_of_products_are_served(server: Local, path: str) -> None:
    status, kind, content = server.request(f"/photos/{path}")
    assert (status, kind) == (404, "application/problem+json")
    assert b"secret" not in content.replace(b"secret.txt", b"")


@pytest.fixture
def hostile(bundles: Path, photos: Path, tmp_path: Path) -> Iterator[httpx.Client]:
    """A shop whose bundle somebody else wrote: its catalog names what a photos' directory should not give away."""
    copy = shutil.copytree(photos, tmp_path / "photos")
    gif = (
        b"GIF89a\x01\0\x01\0\x80\0\0\xff\xff\xff\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;",
        b"<script>alert(1)</script>",
    )
    (copy / "x.html").write_bytes(b"".join(gif))
    (copy / "page.jpg").write_bytes(gif[1])
    shutil.copy(photos / "red" / "03.jpg", tmp_path / "outside.jpg")
    (copy / "link.jpg").symlink_to(tmp_path / "outside.jpg")
    (copy / "inside.jpg").symlink_to(copy / "red" / "03.jpg")
    app = create_local_app(shutil.copytree(bundles, tmp_path / "bundles"), copy, {})
    catalog = app.state.runtime.bundle().catalog
    catalog.has_image = lambda _: True
    with serving(app) as url, httpx.Client(base_url=url) as client:
        yield client


def test_a_photos_type_is_its_contents_and_nothing_in_it_runs(hostile: httpx.Client) -> None:
    """A GIF that is also a page, and is called one, is a picture to the browser."""
    for name, kind in (("x.html", "image/gif"), ("red/03.jpg", "image/jpeg"), ("inside.jpg", "image/jpeg")):
        answer = hostile.get(f"/photos/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (200, kind)
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["content-security-policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    "name", ["page.jpg", "link.jpg", "%2e%2e/outside.jpg", "catalog.jsonl", "%2fetc%2fpasswd", "red"]
)
def test_a_bundle_cannot_name_what_is_no_photo_or_lies_elsewhere(hostile: httpx.Client, name: str) -> None:
    answer = hostile.get(f"/photos/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_photo_that_was_deleted_is_a_404(server: Local, shop: Path) -> None:
    (shop.parent / "photos" / "blue" / "07.jpg").unlink()
    status, _, content = server.request("/photos/blue/07.jpg")
    assert status == 404
    assert b"no longer in its directory" in content


def test_the_signing_key_is_the_owners_alone_and_outlives_a_restart(tmp_path: Path) -> None:
    key = LocalState(tmp_path).signing_key()
    path = tmp_path / ".local" / "signing.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert LocalState(tmp_path).signing_key() == key
    assert len(key) >= 32
    assert LocalState(tmp_path / "another").signing_key() != key


def test_processes_that_start_together_share_one_key(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = set(pool.map(lambda _: LocalState(tmp_path).signing_key(), range(40)))
    assert len(keys) == 1
    assert [path.name for path in (tmp_path / ".local").iterdir()] == ["signing.key"]


def test_a_crash_leaves_a_whole_key_or_none(tmp_path: Path) -> None:
    """It used to leave an empty file, with which no later start could sign."""
    steps = at_every_step(
        scene=lambda: (tmp_path, LocalState(tmp_path / str(time.monotonic_ns())).signing_key),
        kind="dies",
        check=lambda _: None,
    )
    assert steps >= 4
    for folder in tmp_path.iterdir():
        assert len(LocalState(folder).signing_key()) == 64


def test_a_key_that_is_too_short_names_the_file(tmp_path: Path) -> None:
    (tmp_path / ".local").mkdir()
    (tmp_path / ".local" / "signing.key").write_text("")
    with pytest.raises(ConfigurationError, match=r"signing.key has 0 characters.*Delete the file"):
        LocalState(tmp_path).signing_key()


def test_a_lax_umask_does_not_open_the_key(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        LocalState(tmp_path).signing_key()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / ".local" / "signing.key").stat().st_mode) == 0o600


def test_photos_that_are_gone_are_named_with_the_remedy(bundles: Path, tmp_path: Path) -> None:
    store = shutil.copytree(bundles, tmp_path / "bundles")
    (tmp_path / "photos").mkdir()
    LocalState(store).remember_photos(tmp_path / "photos")
    (tmp_path / "photos").rmdir()
    with pytest.raises(ConfigurationError, match="--photos") as caught:
        create_local_app(store)
    assert str(tmp_path / "photos") in caught.value.detail


def test_a_wrong_photos_option_fails_at_once(bundles: Path, tmp_path: Path) -> None:
    """Not by a gallery of broken pictures."""
    with pytest.raises(ConfigurationError, match="mistyped"):
        create_local_app(shutil.copytree(bundles, tmp_path / "bundles"), tmp_path / "mistyped")


def test_moved_photos_are_found_through_the_option(bundles: Path, photos: Path, tmp_path: Path) -> None:
    store = shutil.copytree(bundles, tmp_path / "bundles")
    (store / ".local" / "photos.txt").unlink()
    with pytest.raises(ConfigurationError, match="--photos"):
        create_local_app(store)
    assert create_local_app(store, photos).title == "Vitrine"


def test_settings_hold_on_ones_own_machine_too(bundles: Path, photos: Path, tmp_path: Path) -> None:
    store = shutil.copytree(bundles, tmp_path / "bundles")
    quiet = create_local_app(store, photos, {}).state.runtime.settings
    assert (quiet.events, quiet.cors_origins) == ("off", ())  # a terminal is for people
    given = {"VITRINE_EVENTS": "on", "VITRINE_CORS_ORIGINS": "http://localhost:5173", "VITRINE_BUNDLES": "elsewhere"}
    told = create_local_app(store, photos, given).state.runtime.settings
    assert (told.events, told.cors_origins, told.bundles) == ("on", ("http://localhost:5173",), str(store))
    with pytest.raises(ConfigurationError, match="VITRINE_EVENT "):
        create_local_app(store, photos, {"VITRINE_EVENT": "on"})


@pytest.mark.parametrize("there", [False, True], ids=["misspelt", "empty"])
def test_a_directory_without_bundles_is_left_alone_with_a_remedy(tmp_path: Path, there: bool) -> None:
    folder = tmp_path / "bundels"
    if there:
        folder.mkdir()
    with pytest.raises(BundleNotFound, match="vitrine index"):
        create_local_app(folder, tmp_path)
    assert list(tmp_path.rglob("*")) == [folder] * there


def test_a_port_in_use_is_an_error_with_a_remedy() -> None:
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(ConfigurationError, match="--port") as caught:
            listen("127.0.0.1", port)
    assert caught.value.value == port
    assert f"port {port}" in caught.value.detail


@pytest.mark.parametrize("host", ["no.such.host.invalid", "203.0.113.7"])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(ConfigurationError, match=host):
        listen(host, 0)
