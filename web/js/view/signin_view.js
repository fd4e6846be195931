"use strict";

// The sign-in: a letter whose stamp has the colour of the nickname while the nickname is typed.

class SigninView {
  // The field that a refusal is about; others, such as a ban, are about none.
  static FIELDS = {
    taken: "nickname",
    invalid: "nickname",
    reserved: "nickname",
    registered: "password",
    server_password: "server-password",
  };

  /** `page`: {fromDisk, url}: whether the person has to enter the server's address, and the address by default. */
  constructor({ find, state, emit, page }) {
    this.find = find;
    this.state = state;
    this.emit = emit;
    this.page = page;
    this.forgetting = new ForgetButton(find("forget-signin"), emit);
    find("server").value = page.url;
    find("server-field").hidden = !page.fromDisk;
    find("nickname").addEventListener("input", () => this.#preview());
    find("signin").addEventListener("input", () => this.#fault(""));
    find("signin").addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
  }

  render(state) {
    if (this.page.fromDisk && state.url !== null && state.url !== this.url) {
      this.url = state.url;
      this.find("server").value = state.url;
    }
    const { refusal } = state;
    if (refusal !== this.refusal) this.#refused(refusal);
    Dom.setText(this.find("signin-status"), SigninView.#status(state));
    const unsent = State.unsent(state);
    this.find("kept").hidden = state.identity === null;
    Dom.setText(
      this.find("kept-text"),
      unsent === 0
        ? "This browser remembers you."
        : `${Wording.count(unsent, "unsent message is", "unsent messages are")} kept for you.`,
    );
    this.forgetting.render(unsent);
    this.#preview();
  }

  /** The form comes up: it proposes the sign-in that was in use. */
  open(state) {
    this.propose(state);
    this.render(state);
    this.find("nickname").focus();
  }

  propose({ nickname, password, serverPassword }) {
    this.find("nickname").value = nickname;
    this.find("password").value = password;
    this.find("server-password").value = serverPassword;
  }

  static #status({ phase, connection: { why, retryAt }, url }) {
    if (phase !== "joining") return "";
    if (why !== null) return why;
    return retryAt === null ? "Connecting …" : `No answer from ${url}. Trying again …`;
  }

  #refused(refusal) {
    this.refusal = refusal;
    if (refusal === null) return this.#fault("");
    const { reason, message } = refusal;
    if (reason === "server_password") this.find("server-password-field").hidden = false;
    if (reason === "registered" || reason === "password") this.find("password-field").hidden = false;
    // A wrong password of the server comes back as "password" too; both fields are then there to be corrected.
    if (reason === "password" && !this.find("server-password-field").hidden)
      this.find("password-field").hidden = this.find("server-password").value !== "";
    const password = this.find("password-field").hidden ? "server-password" : "password";
    const field = reason === "password" ? password : (SigninView.FIELDS[reason] ?? null);
    this.#fault(message, field);
    this.find(field ?? "nickname").focus();
    this.find(field ?? "nickname").select();
  }

  /** Says what is wrong, and marks the field (null: none). */
  #fault(text, field = null) {
    Dom.setText(this.find("signin-fault"), text);
    for (const input of this.find("signin").querySelectorAll("input")) {
      input.setAttribute("aria-invalid", String(input.id === field));
      if (input.id === field) input.setAttribute("aria-describedby", "signin-fault");
      else input.removeAttribute("aria-describedby");
    }
  }

  #preview() {
    const nickname = this.find("nickname").value.trim();
    const preview = this.find("preview");
    preview.classList.toggle("blank", nickname === "");
    Dom.setStamp(preview, nickname);
  }

  #submit() {
    const nickname = this.find("nickname").value.trim().normalize("NFC");
    const why = Names.nicknameFault(nickname);
    const url = this.page.fromDisk ? this.find("server").value.trim() : this.page.url;
    if (why !== null) return this.#slip(`${why[0].toUpperCase()}${why.slice(1)}.`, "nickname");
    if (!/^wss?:\/\/\S+$/u.test(url) || !URL.canParse(url))
      return this.#slip("The server's address looks like ws://127.0.0.1:8765/", "server");
    this.emit({
      type: "signin",
      nickname,
      url,
      password: this.find("password").value,
      serverPassword: this.find("server-password").value,
    });
  }

  /** The form can't be sent: its fault is said, and the page gives up the sign-in that it may still be trying. */
  #slip(text, field) {
    this.#fault(text, field);
    this.find(field).focus();
    if (this.state().phase === "joining") this.emit({ type: "quit" });
  }
}
