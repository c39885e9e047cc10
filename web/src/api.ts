// Asking this server. Paths are its own, so credentials go nowhere else. A person is known by a cookie that no script
// reads; the operator by a header. No question goes out with both.
import type { Operator } from "./session.ts";
import { wishes } from "./wishes.ts";

/** How long an answer may take. */
const TIMEOUT_MS = 15_000;
/** How long what a person writes may be on its way to their PDS: it may be a picture. */
const WRITE_TIMEOUT_MS = 60_000;

/** In whose name something is asked: of who is signed in with this browser, if anybody, or of the operator. */
export type Asker = "person" | "operator";

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  readonly asker: Asker;
  constructor(status: number, code: string, message: string, asker: Asker) {
    super(message);
    this.status = status;
    this.code = code;
    this.asker = asker;
  }
}

export type Params = Record<string, string | number | string[] | undefined>;

/** As who is signed in with this browser, or as nobody. */
export async function xrpc<A>(nsid: string, params: Params, signal?: AbortSignal): Promise<A> {
  const askedAt = wishes.mark();
  const { body, rev } = await ask<A>("person", `/xrpc/${nsid}${query(params)}`, {}, TIMEOUT_MS, signal);
  wishes.read(body, { rev, mark: askedAt });
  if (typeof body === "object" && body !== null) revisions.set(body, rev);
  return body;
}

/** Has something done in the name of who is signed in, here or at their PDS. */
export async function procedure<A>(nsid: string, input: unknown, headers: Record<string, string> = {}): Promise<A> {
  const typed = { ...headers, "content-type": "application/json" };
  const init = { method: "POST", headers: typed, body: JSON.stringify(input) };
  return (await ask<A>("person", `/xrpc/${nsid}`, init, WRITE_TIMEOUT_MS)).body;
}

/** Of who is signed in, beside what lexicons name: asked, or with a body told. */
export async function own<A>(path: string, params: Params, signal?: AbortSignal, input?: unknown, method = "POST"): Promise<A> {
  const mark = wishes.mark();
  const init = input === undefined ? {} : { method, headers: { "content-type": "application/json" }, body: JSON.stringify(input) };
  const { body, rev } = await ask<A>("person", path + query(params), init, TIMEOUT_MS, signal);
  if (input === undefined) wishes.read(body, { rev, mark });
  return body;
}

export async function upload<A>(blob: Blob, type: string): Promise<A> {
  const init = { method: "POST", headers: { "content-type": type }, body: blob };
  return (await ask<A>("person", "/xrpc/com.atproto.repo.uploadBlob", init, WRITE_TIMEOUT_MS)).body;
}

/** What belongs to being signed in: `/api/v1/session…`. */
export async function signedIn<A>(path: string, body?: unknown, signal?: AbortSignal): Promise<A> {
  const init = body === undefined ? {} : { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
  return (await ask<A>("person", `/api/v1/session${path}`, init, WRITE_TIMEOUT_MS, signal)).body;
}

/** Told when a question in the person's name was refused for want of one. */
export const doubts = new Set<() => void>();

const revisions = new WeakMap<object, string | null>();

/** Up to which revision of the person's repository an answer tells, where it says so. */
export function revisionOf(answer: object): string | null {
  return revisions.get(answer) ?? null;
}

/** As the operator, who is shown more; methods know the operator by the password alone. */
export async function xrpcAs<A>(operator: Operator, nsid: string, params: Params, signal?: AbortSignal): Promise<A> {
  const known = operator.authorization.startsWith("Basic ");
  const init = known ? { headers: { authorization: operator.authorization } } : {};
  return (await ask<A>("operator", `/xrpc/${nsid}${query(params)}`, init, TIMEOUT_MS, signal)).body;
}

export async function admin<A>(operator: Operator, path: string, signal?: AbortSignal): Promise<A> {
  const init = { headers: { authorization: operator.authorization } };
  return (await ask<A>("operator", `/api/v1/admin/${path}`, init, TIMEOUT_MS, signal)).body;
}

/** Has something done; `body` says what, where that is needed. */
export async function command<A>(operator: Operator, path: string, body?: unknown): Promise<A> {
  const headers = { authorization: operator.authorization };
  const typed = { ...headers, "content-type": "application/json" };
  const init = body === undefined ? { method: "POST", headers } : { method: "POST", headers: typed, body: JSON.stringify(body) };
  return (await ask<A>("operator", `/api/v1/admin/${path}`, init, TIMEOUT_MS)).body;
}

export function query(params: Params): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(params)) {
    if (Array.isArray(value)) value.forEach((one) => search.append(name, one));
    else if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? "" : `?${text}`;
}

interface Answer<A> {
  body: A;
  rev: string | null;
}

async function ask<A>(asker: Asker, path: string, init: RequestInit, timeoutMs: number, signal?: AbortSignal): Promise<Answer<A>> {
  const timeout = AbortSignal.timeout(timeoutMs);
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      ...init,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      credentials: asker === "person" ? "same-origin" : "omit",
      redirect: "error",
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "Unreachable", "The server does not answer.", asker);
  }
  // What is done here and says nothing of it.
  if (response.ok && text === "") return { body: {} as A, rev: null };
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(response.status, "Unreadable", `The server answered ${response.status} with something that is not JSON.`, asker);
  }
  if (response.ok) return { body: body as A, rev: response.headers.get("atproto-repo-rev") };
  if (response.status === 401 && asker === "person") doubts.forEach((doubt) => doubt());
  const { error, message } = (body ?? {}) as { error?: unknown; message?: unknown };
  const code = typeof error === "string" ? error : "Error";
  throw new ApiError(response.status, code, typeof message === "string" && message !== "" ? message : code, asker);
}

/** What went wrong, for people. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
