// The operator's secret: kept in this tab only, sent to this server only.

export interface Operator {
  /** The value of the Authorization header. */
  authorization: string;
}

const KEY = "millrace.operator";

/** Basic credentials of the operator; a password may be any text. */
export function byPassword(password: string): Operator {
  const bytes = new TextEncoder().encode(`admin:${password}`);
  return { authorization: `Basic ${btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""))}` };
}

export function byToken(token: string): Operator {
  return { authorization: `Bearer ${token}` };
}

/** A token that stands behind the `#` of the address, where no server sees it. */
export function tokenIn(hash: string): string | null {
  const token = new URLSearchParams(hash.replace(/^#/, "")).get("token");
  return token !== null && /^[A-Za-z0-9._~+/=-]{1,512}$/.test(token) ? token : null;
}

export function load(storage: Pick<Storage, "getItem">): Operator | null {
  const authorization = storage.getItem(KEY);
  return authorization === null ? null : { authorization };
}

export function save(storage: Pick<Storage, "setItem" | "removeItem">, operator: Operator | null) {
  if (operator === null) storage.removeItem(KEY);
  else storage.setItem(KEY, operator.authorization);
}
