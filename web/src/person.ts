// Somebody who signed in with their own account. The browser holds a cookie that no script reads; what is known here
// is who it is. The operator is somebody else: see session.ts.
import { BASE } from "./router.ts";
import type { Actor } from "./types.ts";

export interface Person {
  did: string;
  sessionId: string;
  /** As the AppView shows them; absent while that is asked, or where it does not know them yet. */
  profile: Actor | null;
}

/** What the server says of who is signed in with this browser. */
export interface SessionAnswer {
  did?: string;
  sessionId?: string;
  /** Whether authorization servers would answer this service. */
  speaksOauth: boolean;
  /** The origin under which a browser has to sign in. */
  signInAt: string;
  /** Who moderates here, and takes reports. */
  moderator?: string;
}

const RETURN = "millrace.return";
/** Letters of an address that the server keeps. */
const PATH_MAX = 512;
/** How long somebody may be away at their authorization server. */
const AWAY_MS = 20 * 60_000;

type Kept = Pick<Storage, "getItem" | "setItem">;

/** Remembers where somebody was when they went to sign in. */
export function leave(storage: Kept, path: string, nowMs: number) {
  if (isPage(path)) storage.setItem(RETURN, JSON.stringify({ path, atMs: nowMs }));
}

/** Where they were, if that is not long ago. */
export function place(storage: Kept, nowMs: number): string | null {
  const kept = storage.getItem(RETURN);
  if (kept === null) return null;
  try {
    const { path, atMs } = JSON.parse(kept) as { path?: unknown; atMs?: unknown };
    if (typeof path !== "string" || typeof atMs !== "number") return null;
    return isPage(path) && nowMs - atMs < AWAY_MS ? path : null;
  } catch {
    return null;
  }
}

/** A page of the dashboard that somebody can be taken back to; the server looks at it, too. */
function isPage(path: string): boolean {
  return path.length <= PATH_MAX && /^[!-~]+$/.test(path) && path.startsWith(`${BASE}/`) && !path.startsWith(`${BASE}/sign-in`) && !path.includes("\\") && !path.includes("//");
}

const FAILURES: Record<string, string> = {
  SignInDenied: "Your server says that you did not agree. Nothing was signed in.",
  SignInNotFound: "That took too long, or it was done before: a sign-in is good for 15 minutes, and once. Begin again.",
  OtherBrowser: "The sign-in was begun in another browser. Begin again in this one.",
  SignInFailed: "Your server did not keep to the rules of signing in, so its answer was not taken.",
  UpstreamFailure: "Your server does not answer as it should now. Try again later.",
  RateLimitExceeded: "Too many tries. Wait a few minutes.",
  AuthenticationRequired: "That is not the password of this account.",
  AuthFactorTokenRequired: "Your server has sent you a code by mail, and wants it as well.",
  AccountTakedown: "Your server has taken this account down.",
};

/** Why nobody was signed in, in words; `message` is what the server says of it. */
export function failure(code: string, message: string): { says: string; more: string } {
  const says = Object.hasOwn(FAILURES, code) ? FAILURES[code] : undefined;
  const more = message.trim().slice(0, 500);
  return says === undefined ? { says: more === "" ? "Nobody was signed in." : more, more: "" } : { says, more };
}

/** The address of an authorization server, if a browser may be sent there. */
export function authorizeAt(url: unknown): string | null {
  if (typeof url !== "string" || !/^https?:\/\//.test(url)) return null;
  return URL.canParse(url) ? url : null;
}
