"""dom.js: elements whose texts are never read as HTML, and that move as little as possible."""

from playwright.sync_api import Page


def test_texts_stay_texts(lab: Page) -> None:
    found = lab.evaluate("Dom.el('p', { title: 'a', hidden: true, lang: null }, '<img>', null).outerHTML")
    assert found == '<p title="a" hidden="">&lt;img&gt;</p>'


def test_links_tell_the_other_side_nothing(lab: Page) -> None:
    found = lab.evaluate("Dom.el('p', {}, ...Dom.withLinks('see https://a.test/ now')).innerHTML")
    link = '<a href="https://a.test/" target="_blank" rel="noopener noreferrer nofollow">https://a.test/</a>'
    assert found == f"see {link} now"


def test_children_that_stay_are_not_moved(lab: Page) -> None:
    """They keep focus, selection and scroll position."""
    script = """() => {
      const [a, b, c, d] = ["a", "b", "c", "d"].map((id) => Dom.el("i", { id }));
      const parent = Dom.el("p", {}, a, b, c);
      let moves = 0;
      const insert = parent.insertBefore.bind(parent);
      parent.insertBefore = (...args) => { moves += 1; return insert(...args); };
      Dom.arrange(parent, [a, d, c]);
      return [[...parent.children].map((one) => one.id).join(""), moves];
    }"""
    assert lab.evaluate(script) == ["adc", 1]


def test_a_text_that_is_there_is_not_set_again(lab: Page) -> None:
    """A live region would speak again."""
    script = """() => {
      const region = Dom.el("p", {}, "Live");
      const node = region.firstChild;
      Dom.setText(region, "Live");
      return region.firstChild === node;
    }"""
    assert lab.evaluate(script)
