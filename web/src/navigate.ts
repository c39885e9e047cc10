// The browser's history as React sees it.
import { useSyncExternalStore } from "react";
import { parse, type Route } from "./router.ts";

const listeners = new Set<() => void>();

function tell() {
  for (const listener of listeners) listener();
}

window.addEventListener("popstate", tell);

export function navigate(to: string, how: "push" | "replace" = "push") {
  if (how === "push") history.pushState(null, "", to);
  else history.replaceState(null, "", to);
  tell();
  if (how === "push") window.scrollTo(0, 0);
}

export function useRoute(): { route: Route; address: string } {
  const address = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => location.pathname + location.search,
  );
  const [pathname = "", search = ""] = address.split("?", 2);
  return { route: parse(pathname, search), address };
}
