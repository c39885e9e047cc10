// Whether this browser is told of notifications while no page is open. The browser names a push service, the server
// writes to it, encrypted; what it shows, public/sw.js shows.
import { own } from "./api.ts";

const SCRIPT = "/dashboard/sw.js";
const SCOPE = "/dashboard/";
/** Where the browser keeps whose notifications it is told of. */
const WHOSE = "millrace.pushed";

/** `unable`: the browser cannot, or the page is not secure; `denied`: its person said no to it. */
export type Pushing = "unable" | "denied" | "off" | "on";

export function isAble(): boolean {
  return "serviceWorker" in navigator && "PushManager" in window && "Notification" in window && window.isSecureContext;
}

/** What push services know the server by; `null` where it pushes nothing. */
export async function pushKey(signal?: AbortSignal): Promise<string | null> {
  return (await own<{ key: string | null }>("/api/v1/push", {}, signal)).key;
}

/** The bytes of base64url, as browsers want a key. */
export function keyBytes(text: string): Uint8Array<ArrayBuffer> {
  const plain = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
}

async function subscription(): Promise<PushSubscription | null> {
  const worker = await navigator.serviceWorker.getRegistration(SCOPE);
  return (await worker?.pushManager.getSubscription()) ?? null;
}

/** How it is with this browser, for that account. */
export async function pushing(key: string, did: string): Promise<Pushing> {
  if (!isAble()) return "unable";
  if (Notification.permission === "denied") return "denied";
  const found = await subscription();
  return found !== null && isOf(found, key) && localStorage.getItem(WHOSE) === did ? "on" : "off";
}

/** A browser that is told says so again, by the session that its account has now: with that it ends, and the server
 * forgets who cannot be reached. */
export async function sayAgain(did: string): Promise<void> {
  if (!isAble() || Notification.permission !== "granted" || localStorage.getItem(WHOSE) !== did) return;
  const found = await subscription();
  if (found !== null) await own("/api/v1/push", {}, undefined, told(found));
}

export async function turnOn(key: string, did: string): Promise<Pushing> {
  if ((await Notification.requestPermission()) !== "granted") return "denied";
  await navigator.serviceWorker.register(SCRIPT, { scope: SCOPE });
  const worker = await navigator.serviceWorker.ready;
  const before = await worker.pushManager.getSubscription();
  if (before !== null && !isOf(before, key)) await before.unsubscribe();
  const made = await worker.pushManager.subscribe({ userVisibleOnly: true, applicationServerKey: keyBytes(key) });
  try {
    await own("/api/v1/push", {}, undefined, told(made));
  } catch (error) {
    await made.unsubscribe();
    throw error;
  }
  localStorage.setItem(WHOSE, did);
  return "on";
}

export async function turnOff(): Promise<Pushing> {
  const found = await subscription();
  if (found !== null) {
    await own("/api/v1/push", {}, undefined, { endpoint: found.endpoint }, "DELETE");
    await found.unsubscribe();
  }
  localStorage.removeItem(WHOSE);
  return "off";
}

/** Whether a browser subscribed with that key. */
function isOf(found: PushSubscription, key: string): boolean {
  const own = found.options.applicationServerKey;
  if (own === null) return false;
  const [here, there] = [new Uint8Array(own), keyBytes(key)];
  return here.length === there.length && here.every((byte, at) => byte === there[at]);
}

function told(found: PushSubscription): unknown {
  const { endpoint, keys } = found.toJSON();
  return { endpoint, keys };
}
