"""The built site in a browser: links, search, the chooser by keyboard, narrow screens.

`.ci/site` builds the site and runs this with `SKLEARN_MANIFOLD_REG_SITE`, the folder of
its pages. With `SKLEARN_MANIFOLD_REG_SCREENSHOTS`, a folder too, it leaves pictures.
"""

import inspect
import os
import shutil
import threading
from contextlib import suppress
from functools import partial
from html.parser import HTMLParser
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urldefrag, urlsplit

import pytest

import sklearn_manifold_reg

SITE = os.environ.get("SKLEARN_MANIFOLD_REG_SITE")
SCREENSHOTS = os.environ.get("SKLEARN_MANIFOLD_REG_SCREENSHOTS")
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SEEN = (
    "index",
    "choose",
    "guide/semi_supervised",
    "recipes",
    "api/index",
    "api/generated/sklearn_manifold_reg.cluster.SpectralClustering",
    "auto_examples/index",
    "auto_examples/cluster/plot_cluster_comparison",
)

# Words and pictures that reach beyond the screen and are in nothing that scrolls by
# itself. The theme scrolls all the text, of which the width of the page tells nothing.
TOO_WIDE = """() => {
    const wide = [];
    const text = document.querySelector("article") ?? document.querySelector("main");
    const walker = document.createTreeWalker(text, NodeFilter.SHOW_ALL);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
        const words = node.nodeType === Node.TEXT_NODE && node.data.trim();
        if (!words && node.nodeName !== "IMG") continue;
        const range = document.createRange();
        range.selectNode(node);
        if (range.getBoundingClientRect().right <= innerWidth + 1) continue;
        let holder = node.parentElement;
        while (holder !== text
               && !["auto", "scroll"].includes(getComputedStyle(holder).overflowX)) {
            holder = holder.parentElement;
        }
        if (holder === text) wide.push(words || node.src);
    }
    const page = document.documentElement;
    if (page.scrollWidth > page.clientWidth) wide.push("the page");
    return wide;
}"""

pytestmark = [
    pytest.mark.skipif(SITE is None, reason="needs the built site: run .ci/site"),
    pytest.mark.slow,
]


class Quiet(SimpleHTTPRequestHandler):
    def handle(self):
        # A browser that leaves a page does not wait for its files.
        with suppress(ConnectionError):
            super().handle()

    def log_message(self, format, *args):
        pass


class Page(HTMLParser):
    """What a page links to, and what can be linked to in it."""

    def __init__(self, text):
        super().__init__()
        self.targets, self.anchors = set(), {""}
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        for key, value in attributes:
            if key in ("href", "src") and tag != "base":
                self.targets.add(value)
            elif key == "id" or (key == "name" and tag == "a"):
                self.anchors.add(value)


def page_files():
    return sorted(
        path for path in Path(SITE).rglob("*.html") if "_static" not in path.parts
    )


def classes():
    """Name and page of each public class."""
    for subpackage in sklearn_manifold_reg.__all__:
        module = getattr(sklearn_manifold_reg, subpackage)
        for name in getattr(module, "__all__", ()):
            if inspect.isclass(getattr(module, name)):
                yield name, f"api/generated/{module.__name__}.{name}.html"


@pytest.fixture(scope="module")
def address():
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=SITE))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip(f"needs one of the browsers {', '.join(BROWSERS)}")
    with playwright.sync_playwright() as manager:
        options = ["--disable-gpu", "--disable-dev-shm-usage"]
        browser = manager.chromium.launch(executable_path=path, args=options)
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser, address):
    """Make pages that see nothing but the site, and note what fails in them."""
    contexts, failures = [], []

    def at_home(route):
        if route.request.url.startswith(address):
            route.continue_()
        else:
            failures.append(f"{route.request.url} is elsewhere")
            route.abort()

    def make(width=1440, **options):
        context = browser.new_context(
            viewport={"width": width, "height": 900}, base_url=address, **options
        )
        contexts.append(context)
        context.route("**/*", at_home)
        page = context.new_page()
        page.on("pageerror", lambda error: failures.append(f"{page.url}: {error}"))
        page.on(
            "response",
            lambda answer: (
                answer.ok or failures.append(f"{answer.status} {answer.url}")
            ),
        )
        return page

    yield make
    for context in contexts:
        context.close()
    assert failures == []


def test_internal_links_resolve():
    pages = {path.resolve(): Page(path.read_text("utf-8")) for path in page_files()}
    broken = []
    for path, page in pages.items():
        for target in page.targets:
            if urlsplit(target).scheme or target.startswith("//"):
                continue
            file, anchor = urldefrag(target)
            goal = (
                (path.parent / unquote(urlsplit(file).path)).resolve() if file else path
            )
            anchors = pages[goal].anchors if goal in pages else {unquote(anchor)}
            if not goal.is_file() or unquote(anchor) not in anchors:
                broken.append(f"{path.name}: {target}")
    assert broken == []


def test_search_finds_every_class(open_page):
    page = open_page()
    missing = []
    for name, goal in classes():
        page.goto(f"search.html?q={name}")
        hit = page.locator(f'#search-results a[href*="{goal}"]')
        try:
            hit.first.wait_for(timeout=10_000)
        except Exception:
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("width", [390, 1440])
def test_pages_fit_the_screen(open_page, width):
    page = open_page(width, has_touch=width < 500)
    wrong = []
    for path in page_files():
        name = path.relative_to(SITE).as_posix()
        page.goto(name)
        wrong += [f"{name}: {wide} too wide" for wide in page.evaluate(TOO_WIDE)]
        heading = page.locator("h1").first
        box = heading.bounding_box() if heading.is_visible() else None
        if box is None or box["y"] > 900 or box["x"] + box["width"] > width:
            wrong.append(f"{name}: main heading {box}")
        if SCREENSHOTS and name.removesuffix(".html") in SEEN:
            file = f"{name.removesuffix('.html').replace('/', '-')}-{width}.png"
            page.screenshot(path=Path(SCREENSHOTS) / file)
    assert wrong == []


def leaves_of(page):
    return page.locator(".choose-leaf").evaluate_all(
        "leaves => leaves.map(leaf => leaf.className.split(' '))"
    )


def press_until(page, key, condition, limit):
    for _ in range(limit):
        if page.evaluate(condition):
            return True
        page.keyboard.press(key)
    return page.evaluate(condition)


def test_keyboard_reaches_every_leaf(open_page):
    page = open_page()
    page.goto("choose.html")
    answers = leaves_of(page)
    assert len(answers) > 40
    lost = []
    for number, words in enumerate(answers):
        page.goto("choose.html")
        chosen = dict(word.split("-", 1) for word in words if "-" in word)
        for question in ("labels", "output", "input", "size"):
            inside = f"document.activeElement.name === '{question}'"
            there = f"{inside} && document.activeElement.value === '{chosen[question]}'"
            if not (
                press_until(page, "Tab", inside, 60)
                and press_until(page, "ArrowRight", there, 10)
            ):
                lost.append(f"{question} of {words}")
        link = (
            f"document.querySelectorAll('.choose-leaf')[{number}].querySelector('a')"
            " === document.activeElement"
        )
        visible = page.locator(".choose-leaf:visible").count()
        if not press_until(page, "Tab", link, 3 + 4 * visible):
            lost.append(f"link of {words}")
    assert lost == []


def test_chooser_hides_what_does_not_fit(open_page):
    page = open_page()
    page.goto("choose.html#labels=few&output=classes")
    everything = leaves_of(page)
    fitting = [w for w in everything if {"labels-few", "output-classes"} <= set(w)]
    shown = page.locator(".choose-leaf:visible")
    assert shown.count() == len(fitting)
    assert page.locator("#choose-found").inner_text() == f"{len(fitting)} answers"
    assert page.locator('#choose input[value="groups"]').is_disabled()
    # An answer that another one above rules out is taken back.
    page.locator('#choose input[value="none"]').check(force=True)
    assert page.locator('#choose input[value="classes"]').is_disabled()
    assert page.url.endswith("#labels=none")
    page.get_by_role("button", name="Start over").click()
    assert shown.count() == len(everything)


def test_chooser_shows_where_the_focus_is(open_page):
    page = open_page()
    page.goto("choose.html")
    press_until(page, "Tab", "document.activeElement.name === 'labels'", 60)
    outline = page.evaluate(
        "getComputedStyle(document.activeElement.nextElementSibling).outlineStyle"
    )
    assert outline == "solid"


def test_chooser_is_a_list_without_scripts(open_page):
    page = open_page(java_script_enabled=False)
    page.goto("choose.html")
    assert not page.locator("#choose").is_visible()
    leaves = page.locator("ul.choose-tree ul .choose-leaf")
    assert leaves.count() > 40
    assert all(leaf.is_visible() for leaf in leaves.all())


def test_examples_have_their_figures(open_page):
    page = open_page()
    page.goto("auto_examples/index.html")
    widths = page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert len(widths) > 10
    assert min(widths) > 0
