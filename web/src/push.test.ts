import assert from "node:assert/strict";
import { test } from "node:test";
import { keyBytes, pushing, sayAgain, turnOff, turnOn } from "./push.ts";

const KEY = "BP4z-_8";

/** A browser with a push service and what it tells the server. */
function browser(): string[] {
  const told: string[] = [];
  const kept = new Map<string, string>();
  let subscribed: object | null = null;
  const subscription = {
    endpoint: "https://push.example.com/a",
    options: { applicationServerKey: keyBytes(KEY).buffer },
    toJSON: () => ({ endpoint: "https://push.example.com/a", keys: { p256dh: "p", auth: "a" } }),
    unsubscribe: async () => {
      subscribed = null;
    },
  };
  const pushManager = {
    getSubscription: async () => subscribed,
    subscribe: async () => {
      subscribed = subscription;
      return subscription;
    },
  };
  const worker = { pushManager };
  const serviceWorker = { register: async () => worker, ready: Promise.resolve(worker), getRegistration: async () => worker };
  const Notification = { permission: "default", requestPermission: async () => (Notification.permission = "granted") };
  const given = {
    navigator: { serviceWorker },
    window: { PushManager: {}, Notification, isSecureContext: true },
    Notification,
    localStorage: {
      getItem: (key: string) => kept.get(key) ?? null,
      setItem: (key: string, value: string) => kept.set(key, value),
      removeItem: (key: string) => kept.delete(key),
    },
    fetch: async (_: string, { method }: { method: string }) => {
      told.push(method);
      return new Response("{}", { headers: { "content-type": "application/json" } });
    },
  };
  for (const [name, value] of Object.entries(given)) Object.defineProperty(globalThis, name, { value, configurable: true });
  return told;
}

test("a key is its bytes", () => {
  assert.deepEqual([...keyBytes(KEY)], [4, 254, 51, 251, 255]);
  assert.deepEqual([...keyBytes("")], []);
});

test("a browser is told of the notifications of whom it was turned on for alone", async () => {
  const told = browser();
  assert.equal(await pushing(KEY, "did:web:alice.test"), "off");
  assert.equal(await turnOn(KEY, "did:web:alice.test"), "on");
  assert.equal(await pushing(KEY, "did:web:alice.test"), "on");
  assert.equal(await pushing(KEY, "did:web:bob.test"), "off", "who else signs in has to want it");
  assert.equal(await pushing("AAAA", "did:web:alice.test"), "off", "the server has another key");
  assert.deepEqual(told, ["POST"]);
  await sayAgain("did:web:bob.test");
  assert.deepEqual(told, ["POST"]);
  await sayAgain("did:web:alice.test");
  assert.deepEqual(told, ["POST", "POST"]);
  assert.equal(await turnOff(), "off");
  await sayAgain("did:web:alice.test");
  assert.deepEqual(told, ["POST", "POST", "DELETE"]);
  assert.equal(await pushing(KEY, "did:web:alice.test"), "off");
});
