// Doing something: one thing at a time, and what came of it.
import { useCallback, useRef, useState } from "react";
import { told } from "./api.ts";

export interface Act {
  /** What is being done now, by a name of the page's choice. */
  pending: string | null;
  said: string;
  error: string | null;
  /** Does it and says what it answers; another while one is pending is left out. */
  run: (name: string, act: () => Promise<string>) => Promise<boolean>;
  say: (said: string) => void;
  /** What was said is of something else by now. */
  clear: () => void;
}

export function useAct(): Act {
  const [pending, setPending] = useState<string | null>(null);
  const [said, say] = useState("");
  const [error, setError] = useState<string | null>(null);
  const busy = useRef(false);
  const run = useCallback(async (name: string, act: () => Promise<string>) => {
    if (busy.current) return false;
    busy.current = true;
    setPending(name);
    setError(null);
    say("");
    try {
      say(await act());
      return true;
    } catch (error) {
      setError(told(error));
      return false;
    } finally {
      busy.current = false;
      setPending(null);
    }
  }, []);
  const clear = useCallback(() => {
    setError(null);
    say("");
  }, []);
  return { pending, said, error, run, say, clear };
}
