"use strict";

// Packets to text and back (PROTOCOL.md sections 1 and 4). Knows what a packet looks like, not what it means.

const Wire = (() => {
  /** A packet breaks the protocol; the message names the field. */
  class WireError extends Error {}

  // The server fills no body beyond this either: the `session` key that a bridge adds must still fit (section 2).
  const MAX_BODY_BYTES = 65_500;

  // No list of the server's is longer (section 4), but a person's rooms may be more: what is beyond is left out.
  const MOST_LISTED = 200;
  const MOST_ROOMS = 1_000;
  // No server's names are longer, whatever its limits. Folding, showing and comparing a name is so bounded.
  const NAME_LENGTH = 256;

  // The one list of a MSG's fields in this page.
  const MESSAGE = {
    id: "integer",
    "room?": "name",
    "to?": "name",
    nickname: "name",
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
      nickname: "name",
      token: "string",
      epoch: "string",
      id: "integer",
      rooms: "names",
      resumed: "boolean",
    },
    RETRY: { "nickname?": "name", reason: "string", message: "string" },
    MSG: MESSAGE,
    JOIN: { room: "name", nickname: "name", "timestamp?": "time" },
    LEAVE: { room: "name", nickname: "name", reason: "string", "message?": "string", "timestamp?": "time" },
    TOPIC: { room: "name", topic: "string", nickname: "name", "timestamp?": "time" },
    NICK: { room: "name", old: "name", nickname: "name", "timestamp?": "time" },
    TYPING: { "room?": "name", "to?": "name", nickname: "name" },
    ROOM: { room: "name", "topic?": "string", count: "integer", "users?": "names", "id?": "integer" },
    ROOMS: { rooms: "rooms", more: "boolean" },
    USERS: { room: "name", count: "integer", users: "names", more: "boolean" },
    HISTORY: { "room?": "name", "to?": "name", messages: "messages", more: "boolean" },
    SEARCH: { query: "string", messages: "messages", more: "boolean", "before?": "integer" },
    PING: {},
    PONG: { id: "integer" },
    NOTICE: { message: "string", "seconds?": "number" },
    GAP: { after: "integer", id: "integer" },
    ERROR: { code: "string", message: "string", "what?": "string", "retry_after?": "number" },
    BYE: { reason: "string", "message?": "string" },
  };

  // A packet of these belongs to a room or to direct messages: it has one of the two fields.
  const ADDRESSED = new Set(["MSG", "TYPING", "HISTORY"]);
  // The list of each packet that has one, and its longest.
  const LISTS = {
    READY: ["rooms", MOST_ROOMS],
    ROOM: ["users", MOST_LISTED],
    USERS: ["users", MOST_LISTED],
    ROOMS: ["rooms", MOST_LISTED],
    HISTORY: ["messages", MOST_LISTED],
    SEARCH: ["messages", MOST_LISTED],
  };

  const each = (check) => (value) => Array.isArray(value) && value.every(check);
  const object = (value) => typeof value === "object" && value !== null && !Array.isArray(value);
  const CHECKS = {
    string: (value) => typeof value === "string",
    name: (value) => typeof value === "string" && value.length <= NAME_LENGTH,
    names: each((value) => typeof value === "string" && value.length <= NAME_LENGTH),
    integer: (value) => Number.isSafeInteger(value),
    number: (value) => typeof value === "number",
    boolean: (value) => typeof value === "boolean",
    time: (value) => typeof value === "string" && !Number.isNaN(Date.parse(value)),
    object,
    rooms: each(
      (value) => object(value) && faulty(value, { room: "name", "topic?": "string", count: "integer" }) === null,
    ),
    messages: each((value) => object(value) && faulty(value, MESSAGE) === null && isAddressed(value)),
  };

  const isAddressed = ({ room, to }) => room !== undefined || to !== undefined;

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
    const packet = read(body);
    if (!object(packet)) throw new WireError("body is not a JSON object");
    if (typeof packet.type !== "string") throw new WireError("type is missing or no string");
    if (packet.ref !== undefined && typeof packet.ref !== "string")
      throw new WireError(`ref of ${packet.type} is no string`);
    if (Object.hasOwn(LISTS, packet.type)) shorten(packet, ...LISTS[packet.type]);
    const field = Object.hasOwn(FIELDS, packet.type) ? faulty(packet, FIELDS[packet.type]) : null;
    if (field !== null) throw new WireError(`${field} of ${packet.type} is missing or of the wrong kind`);
    if (ADDRESSED.has(packet.type) && !isAddressed(packet)) throw new WireError(`${packet.type} has no room and no to`);
    return packet;
  }

  function read(body) {
    try {
      const packet = JSON.parse(body);
      // Only an escape can bring half a surrogate pair; stringify writes such a half as an escape again.
      if (/\\u[dD][89a-fA-F]/.test(body) && /(?<!\\)(?:\\\\)*\\ud[89a-f]/.test(JSON.stringify(packet)))
        throw new WireError("body holds a lone surrogate");
      return packet;
    } catch (fault) {
      if (fault instanceof WireError) throw fault;
      // The engine's own limit, met where arrays lie in arrays by the thousand, is a RangeError.
      throw new WireError(fault instanceof RangeError ? "body is nested too deep" : "body is not JSON");
    }
  }

  /** Cuts a list that is longer than the protocol's; the members that are left are checked. */
  function shorten(packet, field, most) {
    if (Array.isArray(packet[field])) packet[field].length = Math.min(packet[field].length, most);
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
