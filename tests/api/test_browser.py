"""Both pages in a real browser that can reach nothing but this machine, driven over its debugging protocol."""

import base64
import json
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import trio
from trio_websocket import ConnectionClosed, WebSocketConnection, open_websocket_url

from jifen.keys.signing import KeyPair
from jifen.ledger.governance.bodies import ActivateValidator, ProposeChange, VoteOnProposal
from jifen.testing.fake_node import MASTER, FakeNode, operator_of
from jifen.testing.scenes.governance import admission

pytestmark = pytest.mark.browser

PATIENCE_SECONDS = 60.0
"""How long a test waits for a page; only a failing test waits so long."""

BROWSERS = ("chromium", "chromium-browser", "google-chrome")

WATCH = """window.violations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));"""
"""Runs before every page's own scripts."""


class Page:
    """One tab."""

    def __init__(self, connection: WebSocketConnection) -> None:
        self._connection = connection
        self._calls = 0
        self._session: str | None = None
        self._answers: dict[int, tuple[trio.Event, list[dict[str, Any]]]] = {}
        self.requests: list[str] = []
        """URLs of everything the page asked for."""
        self.complaints: list[str] = []
        """Errors that the page or the browser wrote to the console."""

    async def read(self) -> None:
        """Sort what the browser says, until it goes away."""
        try:
            while True:
                message = json.loads(await self._connection.get_message())
                if "id" in message:
                    event, answer = self._answers[message["id"]]
                    answer.append(message)
                    event.set()
                else:
                    self._note(message["method"], message["params"])
        except ConnectionClosed:
            return

    def _note(self, method: str, params: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Network.webSocketCreated":
            self.requests.append(params["url"])
        elif method == "Log.entryAdded" and params["entry"]["level"] == "error":
            self.complaints.append(params["entry"]["text"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
            self.complaints.append(str(params["args"]))

    async def call(self, method: str, **params: Any) -> Any:
        """Call a method of the debugging protocol."""
        self._calls += 1
        event, answer = self._answers[self._calls] = trio.Event(), []
        message: dict[str, Any] = {"id": self._calls, "method": method, "params": params}
        if self._session is not None:
            message["sessionId"] = self._session
        await self._connection.send_message(json.dumps(message))
        with trio.fail_after(PATIENCE_SECONDS):
            await event.wait()
        assert "error" not in answer[0], f"{method}: {answer[0]}"
        return answer[0]["result"]

    async def attach(self) -> None:
        """Open a tab and listen to everything about it."""
        target = await self.call("Target.createTarget", url="about:blank")
        attached = await self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)
        self._session = attached["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.call(f"{domain}.enable")
        await self.call("Page.addScriptToEvaluateOnNewDocument", source=WATCH)

    async def value(self, expression: str) -> Any:
        """Return what a JavaScript expression gives; promises are awaited."""
        result = await self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result
        return result["result"].get("value")

    async def until(self, condition: str) -> Any:
        """Wait, frame by frame inside the page, until a JavaScript condition holds; return its value."""
        expression = f"""new Promise((resolve) => {{
          const look = () => {{
            const found = (() => {{ try {{ return {condition}; }} catch {{ return null; }} }})();
            if (found) resolve(found instanceof Element || found); else setTimeout(look, 20);
          }};
          look();
        }})"""
        with trio.move_on_after(PATIENCE_SECONDS):
            return await self.value(expression)
        text = await self.value("document.body.innerText")
        pytest.fail(f"never true: {condition}\n{self.complaints}\n{text}")

    async def shot(self, name: str) -> None:
        """Keep a picture of the page where JIFEN_SHOTS says, if it says anything."""
        folder = os.environ.get("JIFEN_SHOTS")
        if folder:
            picture = await self.call("Page.captureScreenshot", format="png")
            await trio.Path(folder).mkdir(parents=True, exist_ok=True)
            await (trio.Path(folder) / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))

    async def assert_clean(self, port: int) -> None:
        """Check that nothing was fetched from elsewhere, no policy violated and nothing complained about."""
        elsewhere = [url for url in self.requests if urlsplit(url).netloc != f"127.0.0.1:{port}"]
        assert elsewhere == []
        assert await self.value("window.violations") == []
        assert self.complaints == []


@pytest.fixture
def browser() -> str:
    """The system's Chromium; without one, skip, but fail in CI, where it belongs to the machine."""
    for name in BROWSERS:
        path = shutil.which(name)
        if path is not None:
            return path
    if os.environ.get("CI") == "true":
        pytest.fail("there is no Chromium; CI must have one: apt-get install chromium")
    pytest.skip("there is no Chromium here; install one (Debian: apt-get install chromium) to run this test")


@asynccontextmanager
async def opened(path: str, profile: Path) -> AsyncIterator[Page]:
    """Start the browser with a fresh profile and without any network but this machine's."""
    command = [
        path, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--window-size=1280,900",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--lang=en-US",
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-port=0",
        f"--user-data-dir={profile}", "about:blank",
    ]  # fmt: skip
    async with trio.open_nursery() as nursery:
        process: trio.Process = await nursery.start(
            partial(trio.run_process, command, capture_stdout=False, stderr=-1, stdout=-3, check=False)
        )
        try:
            url = await _debugging_url(process)
            nursery.start_soon(_drain, process)
            async with open_websocket_url(url, max_message_size=64 << 20) as connection:
                page = Page(connection)
                nursery.start_soon(page.read)
                await page.attach()
                yield page
        finally:
            process.terminate()
            with trio.move_on_after(5, shield=True):
                await process.wait()
            nursery.cancel_scope.cancel()


async def _debugging_url(process: trio.Process) -> str:
    assert process.stderr is not None
    said = b""
    with trio.fail_after(PATIENCE_SECONDS):
        while b"DevTools listening on " not in said or not said.endswith(b"\n"):
            data = await process.stderr.receive_some()
            assert data, f"the browser ended: {said.decode(errors='replace')}"
            said += data
    return said.partition(b"DevTools listening on ")[2].split(b"\n")[0].decode().strip()


async def _drain(process: trio.Process) -> None:
    """Keep the browser's chatter from filling its pipe."""
    assert process.stderr is not None
    async for _ in process.stderr:
        pass


async def test_the_status_page_shows_the_alliance_and_follows_it(
    browser: str, node: FakeNode, port: int, tmp_path: Path
) -> None:
    for _ in range(12):
        node.commit()
    async with opened(browser, tmp_path) as page:
        await page.call("Page.navigate", url=f"http://127.0.0.1:{port}/")
        await page.until("document.querySelector('.badge.live')")
        assert await page.until("document.querySelector('[data-fact=height] dd').innerText") == "12"
        assert await page.value("document.title") == "Fake Alliance · Jifen 积分"
        digest = await page.value("document.querySelector('[data-fact=digest] dd').innerText")
        assert digest == node.status().state_digest.hex()
        assert await page.value("document.querySelectorAll('#organizations tr').length") == 4
        assert await page.value("document.querySelectorAll('#blocks tr').length") == 10
        await page.shot("status-en")
        node.commit()
        await page.until("document.querySelector('#blocks tr').dataset.height === '13'")
        await page.until("document.querySelector('[data-fact=height] dd').innerText === '13'")
        await page.value("document.getElementById('language').click()")
        assert await page.value("document.documentElement.lang") == "zh-CN"
        assert await page.value("document.getElementById('state-title').innerText") == "状态"
        await page.shot("status-zh")
        dark = [{"name": "prefers-color-scheme", "value": "dark"}]
        await page.call("Emulation.setEmulatedMedia", features=dark)
        await page.shot("status-dark")
        await page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        assert await page.value("document.documentElement.scrollWidth <= 390"), "the page is wider than a telephone"
        await page.shot("status-telephone")
        await page.assert_clean(port)


async def replace(node: FakeNode, organization: str, old: str, new: str) -> None:
    """Commit what puts one validator of an organization in the place of another."""
    key = KeyPair.derive(MASTER, f"validator/{new}")
    change = admission(new, organization, key=key.public, replaces=old)
    deadline = node.time + 3_600_000
    proposal = node.sign(ProposeChange(deadline, bytes(8), "mall", change, deadline), operator_of("mall"))
    [proposed] = await node.submit([proposal], wait=True, timeout_seconds=1)
    assert proposed.id is not None
    others = [name for name in ("books", "music", "tea") if name != organization]
    votes = [
        node.sign(VoteOnProposal(deadline, bytes(8), who, proposed.id, approve=True), operator_of(who))
        for who in (*others, organization)
    ]
    activation = node.sign(ActivateValidator(deadline, bytes(8), new), key)
    for signed in (*votes, activation):
        [done] = await node.submit([signed], wait=True, timeout_seconds=1)
        assert done.rejection is None
    node.commit(leave_joint=True)


async def test_the_status_page_shows_the_validators_that_an_organization_has_now(
    browser: str, node: FakeNode, port: int, tmp_path: Path
) -> None:
    await replace(node, "tea", "tea", "tea-2")
    node.leader = "tea-2"
    node.connected ^= {"books", "tea-2"}
    async with opened(browser, tmp_path) as page:
        await page.call("Page.navigate", url=f"http://127.0.0.1:{port}/")
        await page.until("document.querySelector('.badge.live')")
        await page.until("document.querySelector('[data-validator]')")
        links = "[...document.querySelectorAll('[data-validator]')].map((each) => each.innerText).join(' | ')"
        assert await page.value(links) == "not connected | this validator | connected | connected tea-2"
        leader = await page.value("document.querySelector('[data-fact=leader] dd').innerText")
        assert leader == "Cloud Tea (tea-2)"
        await page.shot("status-replaced")
        await page.assert_clean(port)


async def test_the_playground_answers_the_example_and_streams_blocks(
    browser: str, node: FakeNode, port: int, tmp_path: Path
) -> None:
    node.commit()
    async with opened(browser, tmp_path) as page:
        await page.call("Page.navigate", url=f"http://127.0.0.1:{port}/playground")
        await page.until("document.querySelector('.graphiql-query-editor .CodeMirror')")
        await page.until("document.querySelector('.graphiql-execute-button:not(:disabled)')")
        await page.value("document.querySelector('.graphiql-execute-button').click()")
        answer = "document.querySelector('.result-window .CodeMirror').CodeMirror.getValue()"
        text = await page.until(f"{answer}.includes('Fake Alliance') && {answer}")
        assert json.loads(text)["data"]["node"]["organization"] == "mall"
        await page.shot("playground-query")
        await page.value("document.querySelectorAll('.graphiql-tab button.graphiql-tab-button')[1].click()")
        # the editor learns the operation's name a moment after the tab was changed, and runs what it knows
        name = "document.querySelector('.graphiql-query-editor .CodeMirror').CodeMirror.operationName"
        await page.until(f"{name} === 'LiveBlocks'")
        await page.value("document.querySelector('.graphiql-execute-button').click()")
        await page.until(f"{answer}.includes('\"height\": 1,')")
        node.commit()
        await page.until(f"{answer}.includes('\"height\": 2,')")
        await page.shot("playground-subscription")
        await page.value("document.querySelector('[aria-label=\"Show Documentation Explorer\"]').click()")
        await page.until("document.querySelector('.graphiql-plugin').innerText.includes('Subscription')")
        await page.shot("playground-documentation")
        await page.value("document.querySelector('[aria-label=\"Hide Documentation Explorer\"]').click()")
        await page.call("Emulation.setDeviceMetricsOverride", width=390, height=844, deviceScaleFactor=2, mobile=True)
        for part in (".graphiql-query-editor .CodeMirror", ".result-window .CodeMirror"):
            wide = f"document.querySelector('{part}').getBoundingClientRect().width"
            await page.until(f"{wide} > 250 && {wide} <= 390")
        await page.shot("playground-telephone")
        await page.assert_clean(port)
