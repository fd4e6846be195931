"use strict";

/** The button "Forget me", which asks once more: what it does can't be undone. */
class ForgetButton {
  static WAIT_MSEC = 5_000;

  constructor(button, emit) {
    this.button = button;
    this.label = button.textContent;
    this.unsent = 0;
    this.armed = null;
    button.addEventListener("click", () => {
      if (this.armed === null) return this.#arm();
      this.#disarm();
      emit({ type: "forget" });
    });
    button.addEventListener("blur", () => this.#disarm());
  }

  /** `unsent`: the number of messages that would be lost. */
  render(unsent) {
    this.unsent = unsent;
  }

  #arm() {
    const lost = this.unsent > 0 ? ` and drop ${Wording.count(this.unsent, "unsent message", "unsent messages")}` : "";
    Dom.setText(this.button, `Really forget me${lost}?`);
    this.armed = setTimeout(() => this.#disarm(), ForgetButton.WAIT_MSEC);
  }

  #disarm() {
    clearTimeout(this.armed);
    this.armed = null;
    Dom.setText(this.button, this.label);
  }
}
