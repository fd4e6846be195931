"use strict";

// Building elements. Text reaches the page as text nodes alone: no text of a person is ever read as HTML.

const Dom = (() => {
  /** Returns a new element; children are nodes or texts; null children are left out. */
  function el(tag, attributes = {}, ...children) {
    const element = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) {
      if (value === true) element.setAttribute(name, "");
      else if (value !== false && value !== null && value !== undefined) element.setAttribute(name, value);
    }
    element.append(...children.filter((child) => child !== null && child !== undefined));
    return element;
  }

  /** Colours an element as a nickname; the style sheet makes a readable colour of the hue. */
  function tint(element, nickname) {
    element.style.setProperty("--hue", Names.hue(nickname));
    return element;
  }

  const name = (nickname, className = "nickname") => tint(el("bdi", { class: className }, nickname), nickname);

  const stamp = (nickname) => setStamp(el("span", { class: "stamp", "aria-hidden": "true" }), nickname);

  function setStamp(element, nickname) {
    element.textContent = Wording.initials(nickname);
    return tint(element, nickname);
  }

  /** A message's text, with its addresses as links that tell the other side nothing. */
  function withLinks(message) {
    return Links.parts(message).map((part) =>
      typeof part === "string"
        ? part
        : el("a", { href: part.href, target: "_blank", rel: "noopener noreferrer nofollow" }, part.text),
    );
  }

  /** A sentence of ours: each isolated name in it (Wording.isolated) is an element that turns nothing around it. */
  const sentence = (text) =>
    text
      .split(/\u2068([^\u2069]*)\u2069/u)
      .flatMap((part, at) => (at % 2 === 1 ? [el("bdi", {}, ...withLinks(part))] : withLinks(part)));

  /** Sets a sentence, and only if it differs. */
  function setSentence(element, text) {
    if (element.dataset.sentence === text) return;
    element.dataset.sentence = text;
    element.replaceChildren(...sentence(text));
  }

  /** Sets a text, and only if it differs: a live region would be read out again. */
  function setText(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  /**
   * Makes the children of `parent` the given elements, in order, and moves as few as possible: an element that is not
   * moved keeps focus, selection and scroll position.
   */
  function arrange(parent, elements) {
    const wanted = new Set(elements);
    for (const child of [...parent.children]) if (!wanted.has(child)) child.remove();
    let at = parent.firstElementChild;
    for (const element of elements) {
      if (element === at) at = at.nextElementSibling;
      else parent.insertBefore(element, at);
    }
  }

  return { el, tint, name, stamp, setStamp, withLinks, sentence, setSentence, setText, arrange };
})();
