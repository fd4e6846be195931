"use strict";

/** Returns a fresh `ref`: 128 random bits, twice what PROTOCOL.md section 5 asks for, as 32 hexadecimal digits. */
const randomRef = () => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
};
