// The keyboard: single keys that act anywhere but in a field, and the page that tells of them.
import { useEffect, useRef } from "react";
import { navigate } from "../navigate.ts";
import { href } from "../router.ts";

const TOLD: [string, string][] = [
  ["/", "Search"],
  ["j  k", "Next and previous item of a list (also ↓ ↑)"],
  ["Enter", "Open it"],
  ["n", "Write a post, when signed in"],
  ["g i", "Home, when signed in"],
  ["g n", "Notifications"],
  ["g b", "Bookmarks"],
  ["g l", "Your lists"],
  ["g s", "Settings"],
  ["g o", "Overview"],
  ["g e", "Explore"],
  ["g h", "Hosts"],
  ["g f", "Feeds: how homes do"],
  ["g p", "Parked entries"],
  ["g r", "Rejected events"],
  ["g m", "Moderation"],
  ["t", "Light, dark, or as the system"],
  ["?", "These keys"],
  ["Esc", "Close"],
];

const PLACES: Record<string, string> = {
  i: href({ page: "home" }),
  n: href({ page: "notifications" }),
  b: href({ page: "bookmarks" }),
  l: href({ page: "lists" }),
  s: href({ page: "settings" }),
  o: href({ page: "overview" }),
  e: href({ page: "explore", q: "" }),
  h: href({ page: "hosts" }),
  f: href({ page: "feeds", minutes: 15 }),
  p: href({ page: "parked", id: null }),
  r: href({ page: "rejected", reason: null }),
  m: href({ page: "moderation", tab: "accounts", subject: null }),
};

/** How long after `g` the second key may come. */
const SECOND_MS = 1_500;

export function useKeys(does: { showKeys: () => void; turnTheme: () => void; compose: () => void }) {
  const latest = useRef(does);
  useEffect(() => {
    latest.current = does;
  });
  useEffect(() => {
    // Before the page was there, so that its first second is not after a `g`.
    let wentAtMs = -SECOND_MS;
    const pressed = (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target)) return;
      const key = event.key;
      const place = PLACES[key];
      if (place !== undefined && event.timeStamp - wentAtMs < SECOND_MS) {
        wentAtMs = -SECOND_MS;
        navigate(place);
      } else if (key === "g") wentAtMs = event.timeStamp;
      else if (key === "/") document.getElementById("search")?.focus();
      else if (key === "?") latest.current.showKeys();
      else if (key === "t") latest.current.turnTheme();
      else if (key === "n") latest.current.compose();
      else if (key === "j" || key === "ArrowDown") {
        if (!step(1, key === "j")) return;
      } else if (key === "k" || key === "ArrowUp") {
        if (!step(-1, key === "k")) return;
      } else return;
      event.preventDefault();
    };
    window.addEventListener("keydown", pressed);
    return () => window.removeEventListener("keydown", pressed);
  }, []);
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  return target.isContentEditable || ["INPUT", "TEXTAREA", "SELECT", "DIALOG"].includes(target.tagName) || target.closest("dialog") !== null;
}

/** Moves the focus among a list's items; `enters` when no item has it yet. */
function step(by: 1 | -1, enters: boolean): boolean {
  const items = [...document.querySelectorAll<HTMLElement>("main [data-item]")];
  const at = items.findIndex((item) => item.contains(document.activeElement));
  if (at < 0 && !enters) return false;
  const next = items[Math.min(items.length - 1, Math.max(0, at < 0 ? 0 : at + by))];
  const link = next?.querySelector<HTMLElement>("a[data-open]") ?? next?.querySelector<HTMLElement>("a, button");
  link?.focus();
  next?.scrollIntoView({ block: "nearest" });
  return link !== undefined && link !== null;
}

export function Keys({ close }: { close: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (dialog.current?.open === false) dialog.current.showModal();
  }, []);
  return (
    <dialog ref={dialog} className="sheet" aria-labelledby="keys-title" onClose={close}>
      <h2 id="keys-title">Keyboard</h2>
      <dl className="keys">
        {TOLD.map(([key, what]) => (
          <div key={key}>
            <dt>
              {key.split(" ").filter((one) => one !== "").map((one) => (
                <kbd key={one}>{one}</kbd>
              ))}
            </dt>
            <dd>{what}</dd>
          </div>
        ))}
      </dl>
      <form method="dialog">
        <button type="submit">Close</button>
      </form>
    </dialog>
  );
}
