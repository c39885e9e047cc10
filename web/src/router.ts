// Addresses within the dashboard. A page is known by its path alone, so that every page can be linked to.

export const BASE = "/dashboard";

export type ProfileTab = "posts" | "replies" | "media" | "followers" | "follows";
export const PROFILE_TABS: readonly ProfileTab[] = ["posts", "replies", "media", "followers", "follows"];

export type ModerationTab = "accounts" | "takedowns" | "labels" | "lists";
export const MODERATION_TABS: readonly ModerationTab[] = ["accounts", "takedowns", "labels", "lists"];

export type FeedsMinutes = 5 | 15 | 60;
export const FEEDS_MINUTES: readonly FeedsMinutes[] = [5, 15, 60];
const FEEDS_MINUTES_DEFAULT = 15;

export type Route =
  | { page: "overview" }
  | { page: "hosts" }
  /** How homes do within the last so many minutes. */
  | { page: "feeds"; minutes: FeedsMinutes }
  | { page: "parked"; id: string | null }
  | { page: "rejected"; reason: string | null }
  /** `subject`: the account or record looked up, whose takedowns, which list. */
  | { page: "moderation"; tab: ModerationTab; subject: string | null }
  /** Of who is signed in with their own account. */
  | { page: "home" }
  /** The same, what somebody may care for most first. */
  | { page: "ranked" }
  | { page: "notifications" }
  | { page: "bookmarks" }
  | { page: "lists" }
  | { page: "settings" }
  /** Where they sign in; what an attempt came to, where one failed. */
  | { page: "sign-in"; error: string | null; message: string | null }
  | { page: "list"; actor: string; rkey: string }
  | { page: "explore"; q: string }
  | { page: "profile"; actor: string; tab: ProfileTab }
  | { page: "thread"; actor: string; rkey: string }
  | { page: "record"; actor: string; collection: string; rkey: string }
  | { page: "unknown"; path: string };

/** Pages without anything of their own in the address. */
const PLAIN = ["home", "ranked", "notifications", "bookmarks", "lists", "settings"] as const;

/** The page at a path below the dashboard's own, with its query. */
export function parse(pathname: string, search: string): Route {
  const unknown: Route = { page: "unknown", path: pathname };
  if (pathname !== BASE && !pathname.startsWith(`${BASE}/`)) return unknown;
  const parts: string[] = [];
  for (const part of pathname.slice(BASE.length).split("/")) {
    if (part === "") continue;
    try {
      parts.push(decodeURIComponent(part));
    } catch {
      return unknown;
    }
  }
  const query = new URLSearchParams(search);
  const [first, second, third, fourth] = parts;
  if (first === undefined) return { page: "overview" };
  const plain = PLAIN.find((page) => page === first);
  if (plain !== undefined && parts.length === 1) return { page: plain };
  if (first === "sign-in" && parts.length === 1) return { page: "sign-in", error: query.get("error"), message: query.get("message") };
  if (first === "list" && second !== undefined && third !== undefined && parts.length === 3) return { page: "list", actor: second, rkey: third };
  if (first === "hosts" && parts.length === 1) return { page: "hosts" };
  if (first === "feeds" && parts.length === 1) {
    const minutes = FEEDS_MINUTES.find((minutes) => String(minutes) === query.get("minutes"));
    return { page: "feeds", minutes: minutes ?? FEEDS_MINUTES_DEFAULT };
  }
  if (first === "rejected" && parts.length === 1) return { page: "rejected", reason: query.get("reason") };
  if (first === "explore" && parts.length === 1) return { page: "explore", q: query.get("q") ?? "" };
  if (first === "parked" && parts.length <= 2) {
    if (second === undefined) return { page: "parked", id: null };
    return /^((facts|fanout)-)?\d{1,15}$/.test(second) ? { page: "parked", id: second } : unknown;
  }
  if (first === "moderation" && parts.length <= 3) {
    const tab = MODERATION_TABS.find((tab) => tab === (second ?? "accounts"));
    return tab === undefined ? unknown : { page: "moderation", tab, subject: third ?? null };
  }
  if (first === "profile" && second !== undefined && parts.length <= 3) {
    const tab = PROFILE_TABS.find((tab) => tab === (third ?? "posts"));
    return tab === undefined ? unknown : { page: "profile", actor: second, tab };
  }
  if (first === "post" && second !== undefined && third !== undefined && parts.length === 3) {
    return { page: "thread", actor: second, rkey: third };
  }
  if (first === "record" && second !== undefined && third !== undefined && fourth !== undefined && parts.length === 4) {
    return { page: "record", actor: second, collection: third, rkey: fourth };
  }
  return unknown;
}

/** The address of a page. */
export function href(route: Exclude<Route, { page: "unknown" }>): string {
  const at = (...parts: string[]) => [BASE, ...parts.map(segment)].join("/");
  switch (route.page) {
    case "overview":
      return `${BASE}/`;
    case "hosts":
    case "home":
    case "ranked":
    case "notifications":
    case "bookmarks":
    case "lists":
    case "settings":
      return at(route.page);
    case "sign-in": {
      const { error, message } = route;
      const said = { ...(error === null ? {} : { error }), ...(message === null ? {} : { message }) };
      return at("sign-in") + (error === null && message === null ? "" : `?${new URLSearchParams(said)}`);
    }
    case "list":
      return at("list", route.actor, route.rkey);
    case "parked":
      return route.id === null ? at("parked") : at("parked", route.id);
    case "rejected":
      return at("rejected") + (route.reason === null ? "" : `?${new URLSearchParams({ reason: route.reason })}`);
    case "feeds":
      return at("feeds") + (route.minutes === FEEDS_MINUTES_DEFAULT ? "" : `?minutes=${route.minutes}`);
    case "moderation":
      if (route.subject !== null) return at("moderation", route.tab, route.subject);
      return route.tab === "accounts" ? at("moderation") : at("moderation", route.tab);
    case "explore":
      return at("explore") + (route.q === "" ? "" : `?${new URLSearchParams({ q: route.q })}`);
    case "profile":
      return route.tab === "posts" ? at("profile", route.actor) : at("profile", route.actor, route.tab);
    case "thread":
      return at("post", route.actor, route.rkey);
    case "record":
      return at("record", route.actor, route.collection, route.rkey);
  }
}

/** A DID stays readable: its colons need no escape in a path. */
function segment(text: string): string {
  return encodeURIComponent(text).replaceAll("%3A", ":");
}
