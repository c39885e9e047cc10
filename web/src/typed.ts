// What somebody has typed and not sent: kept by the browser until it is sent or thrown away, for each thing that it
// answers.

const KEY = "millrace.typed";
/** Texts kept; beyond that the oldest goes. */
const KEPT_MAX = 20;

type Kept = Pick<Storage, "getItem" | "setItem">;

function all(storage: Kept): [string, string][] {
  try {
    const kept: unknown = JSON.parse(storage.getItem(KEY) ?? "[]");
    if (!Array.isArray(kept)) return [];
    return kept.filter((one): one is [string, string] => Array.isArray(one) && typeof one[0] === "string" && typeof one[1] === "string");
  } catch {
    return [];
  }
}

export function typedAt(storage: Kept, place: string): string {
  return all(storage).find(([at]) => at === place)?.[1] ?? "";
}

export function saveTyped(storage: Kept, place: string, text: string) {
  const others = all(storage).filter(([at]) => at !== place);
  const kept = text.trim() === "" ? others : [...others, [place, text]];
  try {
    storage.setItem(KEY, JSON.stringify(kept.slice(-KEPT_MAX)));
  } catch {
    // There is no room: the page itself still has it.
  }
}
