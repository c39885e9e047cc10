// Who is signed in, for every page.
import { createContext, useContext } from "react";
import type { Operator } from "./session.ts";

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
