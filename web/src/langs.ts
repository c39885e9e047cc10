// In which languages somebody writes: said with every post, kept by the browser.
import { LANGS_MAX } from "./compose.ts";

const KEY = "millrace.langs";
const LANG = /^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/;

/** Offered beside those of the browser. */
const COMMON = ["en", "de", "es", "fr", "it", "ja", "ko", "nl", "pl", "pt", "ru", "sv", "tr", "uk", "zh"];

type Kept = Pick<Storage, "getItem" | "setItem">;

export function langs(storage: Kept, browsers: readonly string[]): string[] {
  let kept: unknown = null;
  try {
    kept = JSON.parse(storage.getItem(KEY) ?? "null");
  } catch {
    // As if nothing was kept.
  }
  if (Array.isArray(kept)) return kept.filter((one): one is string => typeof one === "string" && LANG.test(one)).slice(0, LANGS_MAX);
  return [...new Set(browsers.map(base).filter((one) => LANG.test(one)))].slice(0, 1);
}

export function saveLangs(storage: Kept, chosen: string[]) {
  storage.setItem(KEY, JSON.stringify(chosen.slice(0, LANGS_MAX)));
}

/** Those that can be chosen. */
export function offered(browsers: readonly string[], chosen: string[]): string[] {
  return [...new Set([...chosen, ...browsers.map(base), ...COMMON])].filter((one) => LANG.test(one));
}

export function langName(lang: string): string {
  try {
    return new Intl.DisplayNames(["en"], { type: "language" }).of(lang) ?? lang;
  } catch {
    return lang;
  }
}

function base(lang: string): string {
  return lang.split("-")[0]?.toLowerCase() ?? "";
}
