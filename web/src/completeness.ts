// How much of an account is here, as it is told again and again: when what is shown has to be asked for anew, and
// which numbers are exact.
import type { AccountState } from "./types.ts";

type Exact = NonNullable<AccountState["countsExact"]>;

export interface Known {
  state: AccountState;
  /** How often it has become another since the page was opened. */
  turn: number;
  /** Since when it is so, by this machine's clock; 0: it was so when the page was opened. */
  sinceMs: number;
}

const of = (state: AccountState) => `${state.syncState} ${state.countsExact?.own} ${state.countsExact?.byOthers}`;

export function next(before: Known | null, state: AccountState | null, nowMs: number): Known | null {
  if (state === null) return null;
  if (before === null || before.state.did !== state.did) return { state, turn: 0, sinceMs: 0 };
  if (of(before.state) === of(state)) return { ...before, state };
  return { state, turn: before.turn + 1, sinceMs: nowMs };
}

/** Of numbers that came at `atMs`: what was asked for before it was so may be old. */
export function exact(known: Known | null, atMs: number | null): Exact | undefined {
  if (known === null) return undefined;
  const isNew = atMs !== null && atMs >= known.sinceMs;
  return isNew ? known.state.countsExact : { own: false, byOthers: false };
}

/** Whether it stays as it is, as far as is known. */
export function isSettled({ syncState, countsExact }: AccountState): boolean {
  return syncState === "gone" || (syncState === "complete" && countsExact?.own !== false);
}
