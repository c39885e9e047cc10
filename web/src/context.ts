// Who is signed in, for every page: the operator of the service, somebody with their own account, both or nobody.
import { createContext, useContext } from "react";
import type { Draft } from "./drafts.ts";
import type { Live } from "./live.ts";
import type { Person, SessionAnswer } from "./person.ts";
import type { Operator } from "./session.ts";
import type { Post } from "./types.ts";

export interface Session {
  operator: Operator | null;
  /** Why the operator is asked to sign in again, if they were signed in. */
  refused: boolean;
  signIn: (operator: Operator) => void;
  signOut: (refused: boolean) => void;
}

export const SessionContext = createContext<Session>({
  operator: null,
  refused: false,
  signIn: () => undefined,
  signOut: () => undefined,
});

export function useSession(): Session {
  return useContext(SessionContext);
}

export interface Own {
  /** `undefined` while it is asked. */
  person: Person | null | undefined;
  service: SessionAnswer | null;
  /** Why it is not known, where the server does not say. */
  error: unknown;
  /** Was signed in, and is not any more without having asked for it. */
  lost: boolean;
  /** Asks again who is signed in. */
  refresh: () => Promise<void>;
  signOut: (everywhere: boolean) => Promise<void>;
}

export const OwnContext = createContext<Own>({
  person: undefined,
  service: null,
  error: null,
  lost: false,
  refresh: async () => undefined,
  signOut: async () => undefined,
});

/** Of who signed in with their own account. */
export function useOwn(): Own {
  return useContext(OwnContext);
}

/** Who acts, on pages that nobody else is shown. */
export function usePerson(): Person | null {
  return useContext(OwnContext).person ?? null;
}

/** What a post is written to, and what of it is there already. */
export interface Composing {
  reply?: Post;
  quote?: Post;
  draft?: Draft;
}

export const ComposeContext = createContext<(what: Composing) => void>(() => undefined);

/** Opens the sheet in which a post is written. */
export function useCompose(): (what: Composing) => void {
  return useContext(ComposeContext);
}

export const LiveContext = createContext<Live>({ state: "off", unread: null, newsAtMs: null, news: 0, read: () => undefined, shown: () => undefined });

export function useLive(): Live {
  return useContext(LiveContext);
}
