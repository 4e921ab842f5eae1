"""The built pages: complete, of known types, and dependent on nobody."""

import re
from pathlib import Path

import httpx
import pytest

from jifen_graphql.assets import CONTENT_TYPES, PAGES, WEB, load_assets

SIZE_BYTES_MAX = 2 << 20
"""All files together; they are in every clone and in the wheel."""

STATUS_BYTES_MAX = 64 << 10
"""What the status page loads: it must be quick on a telephone."""

ROOT = Path(__file__).parents[2]


def files() -> list[Path]:
    return [path for path in WEB.rglob("*") if path.is_file()]


def test_both_pages_are_built_and_every_file_is_served() -> None:
    assets = load_assets()
    assert set(PAGES) <= set(assets)
    assert {path.suffix for path in files()} <= set(CONTENT_TYPES)
    assert {f"/{path.relative_to(WEB).as_posix()}" for path in files()} <= set(assets)


def test_the_files_stay_small() -> None:
    assert sum(path.stat().st_size for path in files()) <= SIZE_BYTES_MAX
    page = (WEB / "index.html").read_text()
    loaded = re.findall(r'(?:src|href)="(/[^"]+\.(?:js|css|svg))"', page)
    script = "".join((WEB / name[1:]).read_text() for name in loaded if name.endswith(".js"))
    imported = {f"/assets/{name}" for name in re.findall(r'from"\./([^"]+\.js)"', script)}
    assert sum((WEB / name[1:]).stat().st_size for name in {*loaded, *imported}) <= STATUS_BYTES_MAX


@pytest.mark.parametrize("name", ["index.html", "playground.html"])
def test_a_page_names_only_its_own_files_and_has_nothing_inline(name: str) -> None:
    page = (WEB / name).read_text()
    named = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert named
    for target in named:
        assert target.startswith(("/", "#")), f"{name} names {target}"
        if target.startswith("/assets/") or target.endswith(".svg"):
            assert (WEB / target[1:]).is_file(), f"{name} names {target}, which was not built"
    assert not re.search(r"<script(?![^>]*\bsrc=)[^>]*>", page), "an inline script"
    assert "<style" not in page
    assert not re.search(r"\s(?:style|on[a-z]+)=", page), "an inline style or handler"


def test_style_sheets_load_nothing_from_elsewhere() -> None:
    for path in files():
        if path.suffix == ".css":
            text = path.read_text()
            assert "@import" not in text
            for target in re.findall(r"url\(([^)]*)\)", text):
                assert target.strip("\"'").startswith(("data:image/", "/", "#")), f"{path.name} loads {target[:60]}"


def test_scripts_import_only_files_beside_them() -> None:
    for path in files():
        if path.suffix == ".js":
            text = path.read_text()
            for target in re.findall(r"(?:\bfrom|\bimport\()\s*[\"'`]([^\"'`]+)[\"'`]", text):
                if target.startswith((".", "/")) or "://" in target:
                    assert target.startswith(("./", "/assets/")), f"{path.name} imports {target}"


def test_the_lock_of_the_web_client_carries_hashes_and_names_no_place() -> None:
    lock = (ROOT / "app" / "package-lock.json").read_text()
    assert '"resolved"' not in lock
    assert "://" not in lock
    assert lock.count('"integrity"') > 50


async def test_pages_carry_a_strict_policy_and_caches_know_what_changes(http: httpx.AsyncClient) -> None:
    page = await http.get("/")
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert page.headers["cache-control"] == "no-cache"
    again = await http.get("/", headers={"if-none-match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    [script] = re.findall(r'src="(/assets/index[^"]+\.js)"', page.text)
    asset = await http.get(script)
    assert asset.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "immutable" in asset.headers["cache-control"]


@pytest.mark.parametrize("path", ["/assets/", "/assets/../app.py", "/%2e%2e/app.py", "/index.html/", "/schema.graphql"])
async def test_nothing_else_is_served(http: httpx.AsyncClient, path: str) -> None:
    assert (await http.get(path)).status_code == 404
