// What somebody wants changed, from the press of a button until the AppView's own answers say the same: a like, a
// follow, a post. It is shown at once; when it is refused it is taken back, and why is kept beside it. One wish for
// each subject: whoever changes their mind while it is on its way is followed once it has arrived.
//
// Must stay true: what the PDS took is not shown otherwise again because of an answer that is older than it.

/** How it stands with a subject: liked or not, and by which record. */
export interface Standing {
  on: boolean;
  uri: string | null;
}

/** What came of it: the record that was made, and the revision of the repository since then. */
export interface Done {
  uri?: string;
  rev?: string;
}

/** How new an answer is: the repository's revision up to which it tells, and when it was asked. */
export interface Newness {
  rev: string | null;
  mark: number;
}

/** `asked`: on its way; `taken`: the PDS has it, answers do not tell yet; `agreed`: they do. */
export type Phase = "asked" | "taken" | "agreed" | "refused";

export interface Wish {
  key: string;
  /** As it is shown. */
  on: boolean;
  uri: string | null;
  phase: Phase;
  /** Why it was refused. */
  why: string | null;
  /** What it is about, for who shows it, such as a post's record. */
  about: unknown;
}

interface Kept {
  shown: Wish;
  /** What is known to hold. */
  sure: Standing;
  wanted: boolean;
  act: Act;
  since: Newness;
}

type Act = (on: boolean, sure: Standing) => Promise<Done>;

/** Subjects remembered; beyond that the oldest that are settled go. */
const KEPT_MAX = 2_000;
/** How deep answers are read. */
const DEPTH_MAX = 24;

export class Wishes {
  #kept = new Map<string, Kept>();
  #running = new Set<string>();
  #listeners = new Set<() => void>();
  #marks = 0;
  #all: Wish[] = [];

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  get(key: string): Wish | undefined {
    return this.#kept.get(key)?.shown;
  }

  /** All of them, the newest last; the same list until something changes. */
  all = (): Wish[] => this.#all;

  /** A moment: of two, the later one is the greater. */
  mark(): number {
    this.#marks += 1;
    return this.#marks;
  }

  /** Wants it on or off. `from`: how answers have it; `act` does it, and fails with a reason. */
  wish(key: string, from: Standing, on: boolean, act: Act, about: unknown = null) {
    const old = this.#kept.get(key);
    const sure = old?.sure ?? from;
    const shown: Wish = { key, on, uri: on ? sure.uri : null, phase: "asked", why: null, about };
    this.#kept.delete(key);
    this.#kept.set(key, { shown, sure, wanted: on, act, since: old?.since ?? { rev: null, mark: 0 } });
    this.#trim();
    this.#tell();
    if (!this.#running.has(key)) void this.#run(key);
  }

  /** The opposite of what is wanted now. */
  turnBack(key: string) {
    const kept = this.#kept.get(key);
    if (kept !== undefined) this.wish(key, kept.sure, !kept.wanted, kept.act, kept.shown.about);
  }

  /** What was refused, once more. */
  again(key: string) {
    const kept = this.#kept.get(key);
    if (kept?.shown.phase === "refused") this.wish(key, kept.sure, kept.wanted, kept.act, kept.shown.about);
  }

  /** Something refused in an earlier life of the page. */
  recall(key: string, act: Act, about: unknown, why: string) {
    if (this.#kept.has(key)) return;
    const shown: Wish = { key, on: false, uri: null, phase: "refused", why, about };
    this.#kept.set(key, { shown, sure: { on: false, uri: null }, wanted: true, act, since: { rev: null, mark: 0 } });
    this.#tell();
  }

  forget(key: string) {
    if (this.#kept.delete(key)) this.#tell();
  }

  clear() {
    this.#kept.clear();
    this.#tell();
  }

  /** What an answer says of a subject. */
  answered(key: string, says: Standing, newness: Newness) {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.shown.phase === "asked" || !isNews(kept, says, newness)) return;
    const { shown, since } = kept;
    const rev = newness.rev ?? since.rev;
    const phase = shown.phase === "refused" && says.on !== kept.wanted ? "refused" : "agreed";
    const next: Wish = { ...shown, ...says, phase, why: phase === "refused" ? shown.why : null };
    this.#kept.set(key, { ...kept, shown: next, sure: says, since: { rev, mark: Math.max(since.mark, newness.mark) } });
    if (next.on !== shown.on || next.uri !== shown.uri || next.phase !== shown.phase) this.#tell();
  }

  /** Whether an answer is new enough to tell of what was wished; where it cannot be known, not yet. */
  isBehind(key: string, newness: Newness): boolean {
    const kept = this.#kept.get(key);
    if (kept === undefined || kept.shown.phase === "asked") return true;
    if (kept.since.rev !== null && newness.rev !== null) return newness.rev < kept.since.rev;
    return kept.shown.phase !== "agreed";
  }

  /** Looks through an answer for what is said of subjects that somebody wished something of. */
  read(answer: unknown, newness: Newness) {
    if (this.#kept.size === 0) return;
    const look = (value: unknown, depth: number) => {
      if (typeof value !== "object" || value === null || depth > DEPTH_MAX) return;
      if (Array.isArray(value)) {
        for (const one of value) look(one, depth + 1);
        return;
      }
      for (const [key, says] of told(value as View)) this.answered(key, says, newness);
      for (const one of Object.values(value)) look(one, depth + 1);
    };
    look(answer, 0);
  }

  async #run(key: string) {
    this.#running.add(key);
    try {
      while (await this.#once(key));
    } finally {
      this.#running.delete(key);
    }
  }

  /** Does what is wanted now; whether something else is wanted by the time it is done. */
  async #once(key: string): Promise<boolean> {
    const before = this.#kept.get(key);
    if (before === undefined) return false;
    const { wanted } = before;
    if (before.sure.on === wanted) {
      this.#settle(key, before, "agreed", null);
      return false;
    }
    let done: Done | null = null;
    let why = "";
    try {
      done = await before.act(wanted, before.sure);
    } catch (error) {
      why = error instanceof Error ? error.message : String(error);
    }
    const now = this.#kept.get(key);
    if (now === undefined) return false;
    if (done === null) {
      this.#settle(key, now, now.wanted === now.sure.on ? "agreed" : "refused", why);
      return false;
    }
    const sure = { on: wanted, uri: wanted ? (done.uri ?? null) : null };
    const taken = { ...now, sure, since: { rev: done.rev ?? null, mark: this.mark() } };
    if (now.wanted !== wanted) {
      this.#kept.set(key, taken);
      return true;
    }
    this.#settle(key, taken, "taken", null);
    return false;
  }

  #settle(key: string, kept: Kept, phase: Phase, why: string | null) {
    const shown = { ...kept.shown, ...kept.sure, phase, why: phase === "refused" ? why : null };
    this.#kept.set(key, { ...kept, shown });
    this.#tell();
  }

  #trim() {
    for (const [key, { shown }] of this.#kept) {
      if (this.#kept.size <= KEPT_MAX) return;
      if (shown.phase === "agreed" || shown.phase === "taken") this.#kept.delete(key);
    }
  }

  #tell() {
    this.#all = [...this.#kept.values()].map(({ shown }) => shown);
    for (const listener of this.#listeners) listener();
  }
}

function isNews({ since, shown }: Kept, says: Standing, { rev, mark }: Newness): boolean {
  if (since.rev !== null && rev !== null) return rev >= since.rev;
  // Without a revision: what is done at this service holds for every question after it; of a repository's record only
  // that it is as wished is news.
  if (since.rev === null) return mark >= since.mark;
  return shown.phase === "agreed" ? mark >= since.mark : says.on === shown.on;
}

interface View {
  uri?: unknown;
  did?: unknown;
  viewer?: { like?: unknown; repost?: unknown; bookmarked?: unknown; following?: unknown; blocking?: unknown; muted?: unknown } | null;
  record?: unknown;
}

/** What a view says of its subject, by the keys of wishes. */
function told({ uri, did, viewer, record }: View): [string, Standing][] {
  const found: [string, Standing][] = [];
  const by = (record: unknown): Standing => ({ on: typeof record === "string", uri: typeof record === "string" ? record : null });
  const plain = (on: unknown): Standing => ({ on: on === true, uri: null });
  if (typeof uri === "string" && record !== undefined) found.push([keys.post(uri), { on: true, uri }]);
  if (typeof viewer !== "object" || viewer === null) return found;
  if (typeof uri === "string") {
    found.push([keys.like(uri), by(viewer.like)], [keys.repost(uri), by(viewer.repost)], [keys.bookmark(uri), plain(viewer.bookmarked)]);
  }
  if (typeof did === "string") {
    found.push([keys.follow(did), by(viewer.following)], [keys.block(did), by(viewer.blocking)], [keys.mute(did), plain(viewer.muted)]);
  }
  return found;
}

/** By which a wish is known. */
export const keys = {
  like: (uri: string) => `like ${uri}`,
  repost: (uri: string) => `repost ${uri}`,
  bookmark: (uri: string) => `bookmark ${uri}`,
  follow: (did: string) => `follow ${did}`,
  block: (did: string) => `block ${did}`,
  mute: (did: string) => `mute ${did}`,
  /** That a post is there. */
  post: (uri: string) => `post ${uri}`,
  member: (list: string, did: string) => `member ${list} ${did}`,
};

/** Those of this page. */
export const wishes = new Wishes();
