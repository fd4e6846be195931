"use strict";

/** A button that asks once more before it does something that can't be undone. */
class Confirmed {
  static WAIT_MSEC = 5_000;

  constructor(button, act) {
    this.button = button;
    this.label = button.textContent;
    this.unsent = 0;
    this.armed = null;
    button.addEventListener("click", () => {
      if (this.armed === null) return this.#arm();
      this.#disarm();
      act();
    });
    button.addEventListener("blur", () => this.#disarm());
  }

  setDetail(unsent) {
    this.unsent = unsent;
  }

  #arm() {
    const lost = this.unsent > 0 ? ` and drop ${Wording.count(this.unsent, "unsent message", "unsent messages")}` : "";
    Dom.setText(this.button, `Really forget me${lost}?`);
    this.armed = setTimeout(() => this.#disarm(), Confirmed.WAIT_MSEC);
  }

  #disarm() {
    clearTimeout(this.armed);
    this.armed = null;
    Dom.setText(this.button, this.label);
  }
}
