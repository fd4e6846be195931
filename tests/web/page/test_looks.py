"""What can be seen and reached: axe in both themes, colours, the phone, the keyboard, all scripts, from disk."""

import re
from typing import Literal

import pytest
from axe_playwright_python.sync_playwright import Axe  # type: ignore[import-untyped]
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.web.conftest import ARGUMENTS, WEB, SignIn, write
from tests.web.fake_server import FakeServer

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")


def assert_accessible(page: Page) -> None:
    found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice"]})
    assert found.violations_count == 0, found.generate_report()


def populate(server: FakeServer) -> None:
    """A bit of everything that can stand in the log."""
    server.extra_members["lobby"] = ["bob", "مريم", "小林", "x" * 32]
    server.topics["lobby"] = "A topic"
    server.say("bob", "lobby", "hello", timestamp="2026-11-20T10:00:00.000Z")
    server.say("bob", "lobby", "alice: see https://example.org/", timestamp="2026-11-20T10:01:00.000Z")
    server.say("مريم", "lobby", "صباح الخير", timestamp="2026-11-21T10:01:00.000Z")
    server.say("x" * 32, "lobby", "y" * 300, timestamp="2026-11-21T10:02:00.000Z")
    server.say("小林", "lobby", "waves", action=True, timestamp="2026-11-21T10:03:00.000Z")


@pytest.mark.parametrize("scheme", SCHEMES)
def test_accessible(signed_in: SignIn, server: FakeServer, scheme: Scheme) -> None:
    """No violation that axe finds, contrast AA included: sign-in, chat, panels, failed, pending, no connection."""
    populate(server)
    page = signed_in.new_page()
    page.emulate_media(color_scheme=scheme)
    page.goto(server.url())
    assert_accessible(page)
    signed_in(page=page)
    server.refuse["MSG"] = "forbidden"
    write(page, "refused")
    expect(page.locator(".message[data-state=failed]")).to_have_count(1)
    server.broadcast({"type": "NOTICE", "message": "A notice"})
    write(page, "/topic -")
    write(page, "/search hello")
    expect(page.locator("#hits li")).to_have_count(1)
    assert_accessible(page)
    write(page, "/help")
    server.stop_serving()
    write(page, "pending")
    expect(page.locator("#banner")).to_be_visible()
    page.locator("#composer").press_sequentially("/")
    expect(page.locator("#completions")).to_be_visible()
    assert_accessible(page)


def test_every_nickname_colour_has_contrast(lab: Page) -> None:
    """All 360 hues, in both themes, against paper, desk, the mention's wash, and as a stamp: at least 4.5 to 1 (AA)."""
    script = """() => {
      const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
      const rgb = (color) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((value) => value / 255);
      };
      const luminance = (color) => {
        const linear = (value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
        const [r, g, b] = rgb(color).map(linear);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
      };
      const contrast = (one, other) => {
        const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
        return (high + 0.05) / (low + 0.05);
      };
      const name = Dom.el("span", { class: "nickname" }, "x");
      const stamp = Dom.el("span", { class: "stamp" }, "x");
      document.body.append(name, stamp);
      const root = getComputedStyle(document.documentElement);
      const grounds = ["paper", "desk", "wash", "raised", "wash-red"].map((one) => root.getPropertyValue(`--${one}`));
      let worst = 99;
      for (let hue = 0; hue < 360; hue += 1) {
        for (const one of [name, stamp]) one.style.setProperty("--hue", hue);
        const ink = getComputedStyle(name).color;
        worst = Math.min(worst, ...grounds.map((ground) => contrast(ink, ground)));
        worst = Math.min(worst, contrast(getComputedStyle(stamp).color, getComputedStyle(stamp).backgroundColor));
      }
      name.remove();
      stamp.remove();
      return worst;
    }"""
    for scheme in SCHEMES:
        lab.emulate_media(color_scheme=scheme)
        assert lab.evaluate(script) >= 4.5, scheme
    lab.emulate_media(color_scheme="light")


def test_themes_differ(lab: Page) -> None:
    """The system's choice is followed, without a switch to be found first."""
    colours = []
    for scheme in SCHEMES:
        lab.emulate_media(color_scheme=scheme)
        colours.append(lab.evaluate("getComputedStyle(document.body).backgroundColor"))
    lab.emulate_media(color_scheme="light")
    assert colours[0] != colours[1]


def test_phone(signed_in: SignIn, server: FakeServer) -> None:
    """390 pixels: nothing sticks out, rooms and members come as drawers, by touch and by key."""
    populate(server)
    page = signed_in.new_page()
    page.set_viewport_size({"width": 390, "height": 844})
    signed_in(page=page)
    expect(page.locator(".message")).to_have_count(5)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert page.evaluate("messages.scrollWidth <= messages.clientWidth")
    expect(page.locator("#rooms")).to_be_hidden()
    write(page, "/join den")
    expect(page.locator("#title")).to_have_text("#den")
    server.say("bob", "lobby", "over here")
    expect(page.locator("#elsewhere")).to_have_text("1")
    page.locator("#show-rooms").click()
    expect(page.locator('[data-key="#den"]')).to_be_focused()
    page.locator('[data-key="#lobby"]').click()
    expect(page.locator("#title")).to_have_text("#lobby")
    expect(page.locator("#rooms")).to_be_hidden()
    page.locator("#show-members").click()
    expect(page.locator("#members li").first).to_be_visible()
    assert_accessible(page)
    page.keyboard.press("Escape")
    expect(page.locator("#members")).to_be_hidden()
    expect(page.locator("#composer")).to_be_focused()


def test_names_and_texts_of_all_kinds_stay_in_place(signed_in: SignIn, server: FakeServer) -> None:
    populate(server)
    page = signed_in()
    expect(page.locator(".message")).to_have_count(5)
    assert page.evaluate("messages.scrollWidth <= messages.clientWidth")
    assert page.evaluate("panel.scrollWidth <= panel.clientWidth")
    arabic = page.locator(".message .text", has_text="صباح")
    assert arabic.evaluate("one => getComputedStyle(one).direction") == "rtl"
    expect(page.locator("#members .nickname").nth(1)).to_have_text("bob")


def test_by_keyboard_alone(page: Page, server: FakeServer) -> None:
    """From the first key to a message sent, another room and a search; what has the focus shows it."""
    page.goto(server.url())
    expect(page.locator("#nickname")).to_be_focused()
    page.keyboard.type("alice")
    page.keyboard.press("Enter")
    expect(page.locator("#composer")).to_be_focused()
    page.keyboard.type("hello")
    page.keyboard.press("Enter")
    expect(page.locator(".message[data-state=sent]")).to_have_count(1)
    page.keyboard.press("Shift+Tab")
    expect(page.locator("#messages")).to_be_focused()
    assert page.evaluate("getComputedStyle(messages).outlineStyle") == "solid"
    page.keyboard.press("Escape")
    expect(page.locator("#composer")).to_be_focused()
    page.keyboard.type("/search hello")
    page.keyboard.press("Enter")
    expect(page.locator("#search-input")).to_have_value("hello")
    expect(page.locator("#hits li")).to_have_count(1)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.locator(".message.found")).to_be_focused()


def test_the_focus_stays_in_the_page(signed_in: SignIn) -> None:
    """A room that is left by key hands the focus to the input, and in a drawer to the room that is shown now."""
    page = signed_in()
    write(page, "/join den, attic")
    expect(page.locator("#title")).to_have_text("#attic")
    page.locator('[data-leave="#attic"]').press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    expect(page.locator("#composer")).to_be_focused()
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#show-rooms").click()
    page.locator('[data-leave="#den"]').press("Enter")
    expect(page.locator('[data-key="#den"]')).to_have_count(0)
    expect(page.locator('[data-key="#lobby"]')).to_be_focused()
    page.locator('[data-leave="#lobby"]').press("Enter")
    expect(page.locator("#join-room")).to_be_focused()


def test_the_log_is_announced_and_history_is_not(signed_in: SignIn, server: FakeServer) -> None:
    """role=log reads out what comes at the end; a page of history isn't read out."""
    server.fill("lobby", 200)
    page = signed_in()
    log = page.get_by_role("log", name="Messages")
    server.say("bob", "lobby", "news")
    expect(page.locator('.message[data-id="201"]')).to_be_attached()
    expect(log).to_have_attribute("aria-live", "polite")
    page.evaluate("messages.scrollTop = 0")
    expect(page.locator('.message[data-id="100"]')).to_be_attached()
    expect(log).to_have_attribute("aria-live", "off")


def test_less_motion(browser: Browser, server: FakeServer) -> None:
    context = browser.new_context(reduced_motion="reduce")
    page = context.new_page()
    page.goto(server.url())
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    server.stop_serving()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "reconnecting")
    assert page.locator(".link-dot").evaluate("one => getComputedStyle(one).animationName") == "none"
    context.close()


def test_from_disk(page: Page, server: FakeServer) -> None:
    """Opened as a file: the server's address is asked for, with the usual one filled in, and kept."""
    page.goto((WEB / "index.html").as_uri())
    expect(page.locator("#server")).to_have_value("ws://127.0.0.1:8765/")
    page.locator("#nickname").fill("alice")
    page.locator("#server").fill("http://127.0.0.1/")
    page.locator("#connect").click()
    expect(page.locator("#signin-fault")).to_have_text("The server's address looks like ws://127.0.0.1:8765/")
    expect(page.locator("#server")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#server")).to_have_accessible_description(re.compile("looks like ws://"))
    expect(page.locator("#server")).to_be_focused()
    expect(page.locator("#nickname")).to_have_attribute("aria-invalid", "false")
    page.locator("#server").fill(server.ws_url())
    expect(page.locator("#server")).to_have_attribute("aria-invalid", "false")
    expect(page.locator("#signin-fault")).to_have_text("")
    page.locator("#connect").click()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    write(page, "from disk")
    expect(page.locator(".message[data-state=sent] .text")).to_have_text("from disk")
    page.reload()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    assert len(server.log) == 1


def test_nobody_there(page: Page) -> None:
    """An address where nobody listens is said at the form, which stays usable."""
    page.goto((WEB / "index.html").as_uri())
    page.locator("#nickname").fill("alice")
    page.locator("#server").fill("ws://127.0.0.1:9/")
    page.locator("#connect").click()
    expect(page.locator("#signin-status")).to_have_text("No answer from ws://127.0.0.1:9/. Trying again …")
    expect(page.locator("#nickname")).to_be_enabled()
    page.locator("#server").fill("nowhere")
    page.locator("#connect").click()
    expect(page.locator("#signin-fault")).to_contain_text("looks like ws://")
    expect(page.locator("#signin-status")).to_have_text("")


def test_nothing_is_asked_of_anybody_else(context: BrowserContext, server: FakeServer) -> None:
    """Page, style, scripts and icon come from where the page comes from; the chat goes to the server; that is all."""
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = context.new_page()
    page.goto(server.url())
    page.locator("#nickname").fill("alice")
    page.locator("#connect").click()
    expect(page.locator("#link-state")).to_have_attribute("data-state", "live")
    assert len(asked) > 20
    assert [
        url for url in asked if not re.match(rf"(https?|ws|data):(//127\.0\.0\.1:{server.port}/|image/)", url)
    ] == []


def test_every_file_is_used(lab: Page) -> None:
    """What lies in web/ is loaded by the page: nothing is left over, nothing is missing."""
    script = "[...document.querySelectorAll('script[src], link[href]')].map((one) => one.src || one.href)"
    loaded = {url.removeprefix(f"{WEB.as_uri()}/") for url in lab.evaluate(script)}
    files = {path.relative_to(WEB).as_posix() for path in WEB.rglob("*") if path.is_file()}
    assert loaded | {"index.html"} == files


@pytest.mark.parametrize("width", [1200, 390])
def test_the_number_of_unread_is_no_way_out(signed_in: SignIn, server: FakeServer, width: int) -> None:
    """Whoever clicks it gets into the room: what leaves the room stands beside it."""
    page = signed_in()
    page.set_viewport_size({"width": width, "height": 800})
    server.fill("den", 1)
    page.locator("#composer").fill("/join den")
    page.locator("#composer").press("Enter")
    expect(page.locator("#title")).to_have_text("#den")
    server.say("bob", "lobby", "hello")
    if width < 1000:
        page.locator("#show-rooms").click()
    count = page.locator('[data-key="#lobby"] .unread')
    expect(count).to_have_text("1")
    page.wait_for_function("() => document.getAnimations().length === 0")
    box = count.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    expect(page.locator("#title")).to_have_text("#lobby")


def test_a_finger_finds_what_leaves_a_room(browser: Browser, chromium: str, server: FakeServer) -> None:
    """Where there is one beside the mouse too: nothing unseen lies at the end of a room's row."""
    pointers = "availablePointerTypes=6,availableHoverTypes=2,primaryPointerType=4,primaryHoverType=2"
    laptop = browser.browser_type.launch(
        executable_path=chromium, args=[*ARGUMENTS, "--touch-events=enabled", f"--blink-settings={pointers}"]
    )
    page = SignIn(laptop.new_context(), server)()
    assert page.evaluate("matchMedia('(hover: hover) and (any-pointer: coarse)').matches")
    assert page.locator(".close-room").evaluate("one => getComputedStyle(one).opacity") == "1"
    laptop.close()


def test_the_room_that_is_shown_is_in_sight(signed_in: SignIn) -> None:
    """In the list of rooms too, however long it is."""
    page = signed_in()
    for number in range(30):
        page.locator("#composer").fill(f"/join room{number:02}")
        page.locator("#composer").press("Enter")
        expect(page.locator("#title")).to_have_text(f"#room{number:02}")
    expect(page.locator("[aria-current=true]")).to_be_in_viewport(ratio=0.9)
    page.locator("#rooms").evaluate("rooms => { rooms.scrollTop = 0; }")
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("[aria-current=true]")).to_have_attribute("data-key", "#room28")
    expect(page.locator("[aria-current=true]")).to_be_in_viewport(ratio=0.9)


def test_paper_has_the_whole_conversation(signed_in: SignIn, server: FakeServer) -> None:
    """Over as many sheets as it takes, and without what can only be clicked."""
    server.fill("lobby", 100)
    page = signed_in()
    expect(page.locator('.message[data-id="100"]')).to_be_in_viewport()
    page.emulate_media(media="print")
    for hidden in ("#write", "#sidebar", "#panel"):
        expect(page.locator(hidden)).to_be_hidden()
    log, sheet = page.evaluate("[messages.scrollHeight - messages.clientHeight, document.body.scrollHeight]")
    assert log < 2
    assert sheet > 2 * page.viewport_size["height"]


def test_paper_is_white(signed_in: SignIn) -> None:
    """Ink that is made for a dark screen is too pale for it, and the shade beside an open drawer too dark."""
    page = signed_in()
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#show-rooms").click()
    expect(page.locator("#scrim")).to_be_visible()
    ink: list[str] = []
    for scheme in SCHEMES:
        page.emulate_media(media="print", color_scheme=scheme)
        ink.append(page.evaluate("getComputedStyle(document.body).color"))
        expect(page.locator("#scrim")).to_be_hidden()
    assert ink[0] == ink[1]


def test_an_action_runs_around_its_time(signed_in: SignIn, server: FakeServer) -> None:
    """Also one that is written from right to left."""
    server.say("مريم", "lobby", "تلوّح للجميع في الغرفة " * 4, action=True)
    page = signed_in()
    page.set_viewport_size({"width": 360, "height": 800})
    expect(page.locator(".message.action")).to_have_count(1)
    left, right = page.locator(".message.action").evaluate("""action => {
      const words = document.createRange();
      words.selectNodeContents(action.querySelector(".text"));
      return [action.querySelector("time").getBoundingClientRect().left, words.getBoundingClientRect().right];
    }""")
    assert right <= left


def test_long_names_leave_room_for_others(signed_in: SignIn, server: FakeServer) -> None:
    """A direct partner's for what closes the conversation, and on a search hit for the author."""
    page = signed_in()
    page.set_viewport_size({"width": 390, "height": 800})
    server.tell("alice", "w" * 32, "psst")
    server.tell("w" * 32, "alice", "and you")
    page.locator("#show-rooms").click()
    row = page.locator("#rooms li", has=page.locator('[data-key^="@"]'))
    page.wait_for_function("() => document.getAnimations().length === 0")
    edges = "row => ['.room-name', '.close-room'].map((one) => row.querySelector(one).getBoundingClientRect())"
    name, leave = row.evaluate(edges)
    assert name["right"] <= leave["left"]
    row.locator(".room").click()
    write(page, "/search psst")
    author = page.locator("#hits .nickname")
    expect(author).to_have_text("alice")
    # In fractions of a pixel: scrollWidth is rounded, and by some fonts' widths it is rounded up.
    script = """one => {
      const words = document.createRange();
      words.selectNodeContents(one);
      return words.getBoundingClientRect().width - one.getBoundingClientRect().width;
    }"""
    assert author.evaluate(script) < 0.5


def test_stacked_marks_cover_nobody_else(signed_in: SignIn, server: FakeServer) -> None:
    """Whether a message has them, a nickname or a topic: the neighbours look as if these were not there."""
    high, low = "\u0301" * 30, "\u0323" * 30
    page = signed_in()
    server.say("bob", "lobby", f"a{low} goes down", timestamp="2026-11-21T10:00:00.000Z")
    server.say("carol", "lobby", "a plain line", timestamp="2026-11-21T10:01:00.000Z")
    server.say(f"d{high}", "lobby", f"a{high} goes up", timestamp="2026-11-21T10:02:00.000Z")
    server.say("carol", "lobby", "a plain line", timestamp="2026-11-21T10:03:00.000Z")
    timestamp = "2026-11-21T10:04:00.000Z"
    server.broadcast({"type": "JOIN", "room": "lobby", "nickname": f"e{high}", "timestamp": timestamp})
    server.broadcast({"type": "TOPIC", "room": "lobby", "nickname": "bob", "topic": high * 2, "timestamp": timestamp})
    expect(page.locator(".event")).to_have_count(2)
    plain = page.locator(".message", has_text="a plain line")
    before = [one.screenshot() for one in plain.all()]
    marked = page.locator("#messages > *").filter(has_not_text="a plain line")
    marked.evaluate_all("all => all.forEach((one) => { one.style.visibility = 'hidden'; })")
    assert [one.screenshot() for one in plain.all()] == before


def test_colours_of_the_system(signed_in: SignIn, server: FakeServer) -> None:
    """What is chosen, current or in use is told apart without our own colours."""
    page = signed_in()
    page.emulate_media(forced_colors="active")
    page.locator("#composer").fill("/")
    page.locator("#composer").press("ArrowDown")
    chosen = page.locator("#completions [aria-selected=true]")
    ground = "one => getComputedStyle(one).backgroundColor"
    assert chosen.evaluate(ground) != page.locator("#completions").evaluate(ground)
    server.say("bob", "lobby", "here, alice")
    edge = page.locator(".message.mention").evaluate("one => getComputedStyle(one).borderInlineStartStyle")
    assert edge == "solid"
    outline = "one => getComputedStyle(one).outlineStyle"
    assert page.locator(".write-row").evaluate(outline) == "solid"
    assert page.locator("[aria-current=true]").evaluate(outline) == "solid"
