// Asking this server. Paths are its own, so credentials go nowhere else.
import type { Operator } from "./session.ts";

/** How long an answer may take. */
const TIMEOUT_MS = 15_000;

export class ApiError extends Error {
  readonly status: number;
  readonly code: string;
  constructor(status: number, code: string, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

export type Params = Record<string, string | number | string[] | undefined>;

export async function xrpc<A>(nsid: string, params: Params, signal?: AbortSignal): Promise<A> {
  return ask<A>(`/xrpc/${nsid}${query(params)}`, {}, signal);
}

/** As the operator, who is shown more; methods know the operator by the password alone. */
export async function xrpcAs<A>(operator: Operator, nsid: string, params: Params, signal?: AbortSignal): Promise<A> {
  const known = operator.authorization.startsWith("Basic ");
  const init = known ? { headers: { authorization: operator.authorization } } : {};
  return ask<A>(`/xrpc/${nsid}${query(params)}`, init, signal);
}

export async function admin<A>(operator: Operator, path: string, signal?: AbortSignal): Promise<A> {
  return ask<A>(`/api/v1/admin/${path}`, { headers: { authorization: operator.authorization } }, signal);
}

/** Has something done; `body` says what, where that is needed. */
export async function command<A>(operator: Operator, path: string, body?: unknown): Promise<A> {
  const headers = { authorization: operator.authorization };
  if (body === undefined) return ask<A>(`/api/v1/admin/${path}`, { method: "POST", headers });
  const typed = { ...headers, "content-type": "application/json" };
  return ask<A>(`/api/v1/admin/${path}`, { method: "POST", headers: typed, body: JSON.stringify(body) });
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

async function ask<A>(path: string, init: RequestInit, signal?: AbortSignal): Promise<A> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  let text: string;
  try {
    response = await fetch(path, {
      ...init,
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
      credentials: "omit",
      redirect: "error",
      cache: "no-store",
    });
    text = await response.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, "Unreachable", "The server does not answer.");
  }
  let body: unknown;
  try {
    body = JSON.parse(text);
  } catch {
    throw new ApiError(response.status, "Unreadable", `The server answered ${response.status} with something that is not JSON.`);
  }
  if (response.ok) return body as A;
  const { error, message } = body as { error?: unknown; message?: unknown };
  const code = typeof error === "string" ? error : "Error";
  throw new ApiError(response.status, code, typeof message === "string" && message !== "" ? message : code);
}

/** What went wrong, for people. */
export function told(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
