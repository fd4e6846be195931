"use strict";

// What a browser or an input method does to a page that nobody meant: listeners on the whole document, for every field.

const Mishaps = (() => {
  /** `say(text)` tells the person why something was not done. */
  function prevent(page, say) {
    // Before any other handler, so that a key which an input method uses closes, sends and chooses nothing.
    page.addEventListener("keydown", composed, { capture: true });
    for (const type of ["dragover", "drop"]) page.addEventListener(type, (event) => dropped(event, say));
  }

  function composed(event) {
    if (!isComposing(event)) return;
    event.stopImmediatePropagation();
    // The composition has ended already (WebKit): the browser would take this Enter for one of its own.
    if (!event.isComposing && event.key === "Enter") event.preventDefault();
  }

  /**
   * Whether an input method is composing with this key. WebKit ends the composition before it reports the key that
   * ended it; that key then has the code 229.
   */
  const isComposing = (event) => event.isComposing || event.keyCode === 229;

  /** A browser shows what is dropped on a page in place of the page. Text may be dropped into a field. */
  function dropped(event, say) {
    const hasFiles = event.dataTransfer?.types.includes("Files") === true;
    if (!hasFiles && event.target.closest?.("input, textarea") !== null) return;
    event.preventDefault();
    if (event.type === "drop" && hasFiles) say("Files can't be sent in this chat");
  }

  return { prevent };
})();
