"use strict";

// Packets to text and back (PROTOCOL.md sections 1 and 4). Knows what a packet looks like, not what it means.

const Wire = (() => {
  /** A packet breaks the protocol; the message names the field. */
  class WireError extends Error {}

  // The server fills no body beyond this either: the `session` key that a bridge adds must still fit (section 2).
  const MAX_BODY_BYTES = 65_500;

  // The one list of a MSG's fields in this page.
  const MESSAGE = {
    id: "integer",
    "room?": "string",
    "to?": "string",
    nickname: "string",
    message: "string",
    timestamp: "time",
    "ref?": "string",
    "action?": "boolean",
  };

  const MESSAGE_FIELDS = Object.keys(MESSAGE).map((key) => key.replace("?", ""));

  // What the page reads of each packet. A key with "?" may be absent; keys not listed are ignored.
  const FIELDS = {
    HELLO: {
      protocol: "integer",
      "server?": "string",
      "version?": "string",
      "limits?": "object",
      "motd?": "string",
      "server_password?": "boolean",
    },
    READY: {
      nickname: "string",
      token: "string",
      epoch: "string",
      id: "integer",
      rooms: "strings",
      resumed: "boolean",
    },
    RETRY: { "nickname?": "string", reason: "string", message: "string" },
    MSG: MESSAGE,
    JOIN: { room: "string", nickname: "string", "timestamp?": "time" },
    LEAVE: { room: "string", nickname: "string", reason: "string", "message?": "string", "timestamp?": "time" },
    TOPIC: { room: "string", topic: "string", nickname: "string", "timestamp?": "time" },
    NICK: { room: "string", old: "string", nickname: "string", "timestamp?": "time" },
    TYPING: { "room?": "string", "to?": "string", nickname: "string" },
    ROOM: { room: "string", "topic?": "string", count: "integer", "users?": "strings", "id?": "integer" },
    ROOMS: { rooms: "rooms", more: "boolean" },
    USERS: { room: "string", count: "integer", users: "strings", more: "boolean" },
    HISTORY: { "room?": "string", "to?": "string", messages: "messages", more: "boolean" },
    SEARCH: { query: "string", messages: "messages", more: "boolean" },
    PING: {},
    PONG: { id: "integer" },
    NOTICE: { message: "string", "seconds?": "number" },
    GAP: { after: "integer", id: "integer" },
    ERROR: { code: "string", message: "string" },
    BYE: { reason: "string", "message?": "string" },
  };

  const each = (check) => (value) => Array.isArray(value) && value.every(check);
  const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const CHECKS = {
    string: (value) => typeof value === "string",
    strings: each((value) => typeof value === "string"),
    integer: (value) => Number.isSafeInteger(value),
    number: (value) => typeof value === "number",
    boolean: (value) => typeof value === "boolean",
    time: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
    object,
    rooms: each(
      (value) => object(value) && faulty(value, { room: "string", "topic?": "string", count: "integer" }) === null,
    ),
    messages: each((value) => object(value) && faulty(value, MESSAGE) === null),
  };

  function faulty(packet, fields) {
    for (const [key, kind] of Object.entries(fields)) {
      const name = key.replace("?", "");
      if (packet[name] === undefined ? name === key : !CHECKS[kind](packet[name])) return name;
    }
    return null;
  }

  /**
   * Returns the packet that a body holds. Throws WireError if it isn't one.
   * A packet whose type this page doesn't know comes back as it is: the state ignores it.
   */
  function parse(body) {
    let packet;
    try {
      packet = JSON.parse(body);
    } catch {
      throw new WireError("body is not JSON");
    }
    if (!object(packet)) throw new WireError("body is not a JSON object");
    // Only an escape can bring half a surrogate pair; stringify writes such a half as an escape again.
    if (body.includes("\\u") && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(JSON.stringify(packet))) {
      throw new WireError("body holds a lone surrogate");
    }
    if (typeof packet.type !== "string") throw new WireError("type is missing or no string");
    if (packet.ref !== undefined && typeof packet.ref !== "string")
      throw new WireError(`ref of ${packet.type} is no string`);
    const field = Object.hasOwn(FIELDS, packet.type) ? faulty(packet, FIELDS[packet.type]) : null;
    if (field !== null) throw new WireError(`${field} of ${packet.type} is missing or of the wrong kind`);
    return packet;
  }

  /** Returns the body of a packet; keys whose value is undefined are left out. Throws WireError if it's too long. */
  function format(packet) {
    const body = JSON.stringify(packet);
    const bytes = new TextEncoder().encode(body).length;
    if (bytes > MAX_BODY_BYTES) throw new WireError(`packet of ${bytes} bytes; at most ${MAX_BODY_BYTES} travel`);
    return body;
  }

  /**
   * Returns a text as it may be sent (tests/cases/sendable.json): line ends are newlines, and a control character
   * other than newline and tab becomes its picture, as ESC becomes ␛.
   */
  function clean(text) {
    return (
      text
        .replace(/\r\n?/g, "\n")
        // eslint-disable-next-line no-control-regex
        .replace(/[\u0000-\u0008\u000b-\u001f]/g, (char) => String.fromCharCode(0x2400 + char.charCodeAt(0)))
        .replaceAll("\u007f", "\u2421")
        .replace(/[\u0080-\u009f]/g, "\ufffd")
        .replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, "\ufffd")
    );
  }

  /** The length in which the protocol's limits are counted: code points. */
  function length(text) {
    let points = 0;
    for (const _ of text) points += 1;
    return points;
  }

  return { WireError, MESSAGE_FIELDS, parse, format, clean, length };
})();
