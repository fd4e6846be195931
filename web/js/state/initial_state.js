"use strict";

// What the page knows before anybody signs in: every field of the state, with what it means.

const initialState = (() => {
  const LIMITS = { message: 8_000, nickname: 32, room: 64, topic: 300, rooms: 50 };

  return () => ({
    phase: "signin", // of the page: signin -> joining -> chat; back to signin on RETRY
    url: null,
    nickname: "",
    password: "",
    serverPassword: "",
    identity: null, // changes when the server takes us for a new user; says whose an outbox is
    token: null,
    epoch: null,
    after: 0,
    greeting: null,
    refusal: null,
    serverNotice: null, // {message, at}: the last NOTICE
    lastNote: null,
    hello: { name: "", motd: "", limits: LIMITS, needsPassword: false },
    connection: {
      phase: "stopped", // connection_phase.js lists them
      since: 0, // when (in ms) it last became live, or ceased to be
      retryAt: null, // when (in ms) the next socket is tried; null: none has failed yet
      why: null, // a sentence for the person
      resumed: false, // the server sends what this session missed
      syncRef: null, // of the PING whose PONG follows what was missed
      silentSince: 0, // when (in ms) the PING was sent that has no answer (phase "silent")
      probedAt: 0, // when (in ms) a message without an echo last made the page ask
    },
    online: true,
    attentive: true,
    conversations: {},
    current: null,
    drafts: {}, // key of a conversation, or Reduction.NOWHERE -> what is typed there and not sent yet
    outbox: [],
    asked: {}, // ref -> purpose of a question that has no answer yet, with its packet
    held: [], // refs of questions that wait to be sent, in the order in which they were asked
    heldUntil: 0, // when (in ms) the server may be sent them
    serial: 1,
    tag: "", // random, of this page: stands in the refs of its questions
    panel: "members",
    search: { wanted: null, ref: null, state: "idle", messages: [], more: false, next: null, fault: null },
    directory: { rooms: [], more: false, asking: false },
    exporting: null,
    typedAt: 0,
  });
})();
