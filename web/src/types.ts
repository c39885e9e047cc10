// What the operator's API and the XRPC methods answer, as far as the dashboard shows it.

export interface Sample {
  timeUs: number;
  events: number;
  entries: number;
  rejected: number;
  tail: number;
}

export interface Counts {
  events: number;
  bytes: number;
  eventsBySource: Record<string, number>;
  entries: number;
  entryBytes: number;
  verified: number;
  unverified: number;
  skipped: Record<string, number>;
  rejected: Record<string, number>;
  invalidRecords: number;
  resyncs: Record<string, number>;
  resyncsRunning: number;
  lookupsWaiting: number;
  inflightBytes: number;
  heldBytes: number;
}

export interface IngestStatus {
  version: string;
  startedUs: number;
  nowUs: number;
  running: boolean;
  logEngine: string;
  storeEngine: string;
  counts: Counts;
  log: { partition: number; oldest: number; tail: number }[];
  accounts: { countedUs: number; byState: Record<string, number> } | null;
  recent: Sample[];
}

export interface Standing {
  offsets: { projection: string; topic: string; partition: number; nextOffset: number; movedUs: number }[];
  parked: { projection: string; reason: string; entries: number }[];
}

export interface Source {
  name: string;
  kind: string;
  url: string;
  connected: boolean;
  stopped: boolean;
  paused?: string | null;
  receivedSeq: number | null;
  verifiedSeq: number | null;
  appendedSeq: number | null;
  visibleSeq: number | null;
  cursor: number | null;
  receivedTimeUs: number | null;
  lagUs: number | null;
  outstanding: number;
  lastError: string | null;
  gap?: { reason: string; from: number | null; to: number | null; noticedUs: number } | null;
  gaps?: number;
  outOfScope?: number;
  rejected: Record<string, number>;
}

export interface Half<T> {
  status: T | null;
  error: string | null;
}

export interface Overview {
  version: string;
  startedUs: number;
  nowUs: number;
  ingest: Half<IngestStatus>;
  dataplane: Half<Standing>;
  sources: Source[];
  scope: { scope: string; accounts: number | null } | null;
  lag: { entries: number; ageUs: number; atLeast: boolean } | null;
  parked: number;
}

/** How often something happened, and within which time half and 99 of 100 of them were done. */
export interface Timing {
  name: string;
  count: number;
  p50Us: number;
  p99Us: number;
}

export interface PagesFound {
  /** The best source first. */
  bySource: Timing[];
  steps: { untilUs: number; count: number }[];
  stepSeconds: number;
}

export interface Sizes {
  atUs: number;
  lines: number;
  readers: number;
  jobs: number;
  announced: number;
}

export interface HomesStanding {
  nowUs: number;
  startedUs: number;
  pages: PagesFound;
  fanOut: Timing[];
  lagUs: number;
  lagUsMax: number;
  lagEntries: number;
  isPulled: boolean;
  waiting: number;
  parked: number;
  unbuilt: number;
  unsettled: number;
  sizes: Sizes[];
}

export interface Feeds {
  nowUs: number;
  startedUs: number;
  seconds: number;
  enabled: boolean;
  homes: Half<HomesStanding>;
  withoutHomes: PagesFound;
}

export interface Host {
  host: string;
  accounts: number;
  desynchronized: number;
  waiting: number;
  failing: number;
  attempts: number;
  nextTryUs: number | null;
  error: string | null;
  pausedMs: number | null;
}

export interface HostList {
  countedUs: number | null;
  hosts: Host[];
  more: number;
  unknownAccounts: number;
}

export interface Backfill {
  id: number;
  kind: string;
  asked: string;
  again: boolean;
  state: string;
  listing: boolean;
  found: number;
  passed: number;
  fetched: number;
  failed: Record<string, number>;
  records: number;
  bytes: number;
  error: string | null;
  begunUs: number;
  changedUs: number;
  endedUs: number | null;
  accountsPerSecond: number | null;
  recordsPerSecond: number | null;
  leftUs: number | null;
}

export interface AccountState {
  did: string;
  syncState: string;
  rev: string | null;
  pds: string | null;
  active: boolean;
  status: string | null;
  updatedUs: number;
  attempts: number;
  nextTryUs: number | null;
  error: string | null;
  /** Whether what is counted of it, and what others made of it, is exact. */
  countsExact?: { own: boolean; byOthers: boolean };
  takedown: Takedown | null;
}

/** What lies parked; entries of the log do not say it. */
export type ParkedOf = "entries" | "facts" | "fanout" | "deliveries";

export interface ParkedEntry {
  of?: ParkedOf;
  id: number;
  projection: string;
  topic: string;
  partition: number;
  offset: number;
  key: string | null;
  reason: string;
  cause?: string;
  remedy?: string;
  error: string;
  attempts: number;
  appendedAt: string;
  parkedAt: string;
  lastTriedAt: string;
  nextTryAt: string | null;
  /** Of a delivery: how it stands, and once it is settled how and by whom. */
  state?: "pending" | "retrying" | "resolved" | "discarded";
  resolution?: string;
  actor?: string;
  entry?: { bytes: number; fault: string | null; content: unknown };
}

export interface ParkedPage {
  parked: ParkedEntry[];
  cursor?: number;
}

export interface RejectedEvent {
  id: number;
  source: string;
  seq: number | null;
  did: string | null;
  reason: string;
  detail: string;
  bytes: number;
  seenUs: number;
}

export interface RejectedPage {
  rejected: RejectedEvent[];
  cursor?: number;
}

export type TakedownSubject = { kind: "account"; did: string } | { kind: "record"; uri: string } | { kind: "blob"; did: string; cid: string };

export interface Takedown {
  subject: TakedownSubject;
  reference: string;
  reason: string;
  by: string;
  atUs: number;
}

export interface TakedownPage {
  takedowns: Takedown[];
  cursor?: string;
}

/** A label as it was said here. */
export interface IssuedLabel {
  src: string;
  uri: string;
  val: string;
  neg: boolean;
  cts: string;
  exp?: string;
  reason: string;
  issuedAtUs: number;
}

export interface IssuedLabelPage {
  labels: IssuedLabel[];
  cursor?: string;
}

export interface CuratedItem {
  subject: string;
  note: string;
  addedAtUs: number;
}

export interface AccountInfo {
  did: string;
  handle: string;
  relatedRecords?: unknown[];
  indexedAt: string;
}

export interface Label {
  src: string;
  uri: string;
  val: string;
  cts: string;
  exp?: string;
}

export interface Verification {
  verifications?: { issuer: string; issuerHandle?: string; issuerDisplayName?: string; isValid: boolean; createdAt: string }[];
  verifiedStatus?: string;
  trustedVerifierStatus?: string;
}

/** What an account says it does now. */
export interface Status {
  status?: string;
  embed?: Embed;
  labels?: Label[];
  expiresAt?: string;
  isActive?: boolean;
  isDisabled?: boolean;
}

/** How who asks stands to an account. */
export interface ActorViewer {
  muted?: boolean;
  mutedByList?: Named;
  blockedBy?: boolean;
  blocking?: string;
  blockingByList?: Named;
  following?: string;
  followedBy?: string;
  knownFollowers?: { count: number; followers: Actor[] };
}

export interface Actor {
  did: string;
  handle: string;
  displayName?: string;
  description?: string;
  avatar?: string;
  labels?: Label[];
  verification?: Verification;
  status?: Status;
  viewer?: ActorViewer;
}

export interface Profile extends Actor {
  followersCount?: number;
  followsCount?: number;
  postsCount?: number;
  indexedAt?: string;
  createdAt?: string;
  pronouns?: string;
  website?: string;
  pinnedPost?: { uri: string };
  joinedViaStarterPack?: Named;
  associated?: { lists?: number; feedgens?: number; starterPacks?: number; labeler?: boolean };
}

export interface Facet {
  index: { byteStart: number; byteEnd: number };
  features: { $type: string; uri?: string; did?: string; tag?: string }[];
}

/** A record as it was at one moment. */
export interface Ref {
  uri: string;
  cid: string;
}

export interface PostRecord {
  text?: unknown;
  createdAt?: string;
  facets?: Facet[];
  reply?: { root?: Ref; parent: { uri: string } };
}

/** How who asks stands to a post. */
export interface PostViewer {
  like?: string;
  repost?: string;
  bookmarked?: boolean;
  threadMuted?: boolean;
  replyDisabled?: boolean;
  embeddingDisabled?: boolean;
}

export interface Picture {
  /** The gallery's name of it is the longer one. */
  thumb?: string;
  thumbnail?: string;
  fullsize?: string;
  alt?: string;
}

export interface Embed {
  $type: string;
  images?: Picture[];
  items?: Picture[];
  external?: { uri: string; title: string; description: string; thumb?: string; labels?: Label[] };
  /** Beside media it lies one level deeper. */
  record?: EmbeddedRecord & { record?: EmbeddedRecord };
  media?: Embed;
  playlist?: string;
  thumbnail?: string;
  alt?: string;
}

/** A list, feed, starter pack or labeler: what has a name and somebody who made it. */
export interface Named {
  $type?: string;
  uri?: string;
  name?: string;
  displayName?: string;
  description?: string;
  purpose?: string;
  avatar?: string;
  creator?: Actor;
  labels?: Label[];
  likeCount?: number;
  listItemCount?: number;
  /** The starter pack's own record. */
  record?: unknown;
}

/** What a post quotes or recommends, or what stands in its place. */
export interface EmbeddedRecord extends Omit<Named, "record"> {
  record?: unknown;
  cid?: string;
  author?: Actor;
  value?: PostRecord;
  embeds?: Embed[];
  notFound?: boolean;
  blocked?: boolean;
  detached?: boolean;
  indexedAt?: string;
}

/** Who may reply, as the author of a thread decided. */
export interface Threadgate {
  uri?: string;
  record?: { allow?: unknown; hiddenReplies?: unknown };
  lists?: Named[];
}

export interface Post {
  uri: string;
  cid: string;
  author: Actor;
  record: PostRecord;
  embed?: Embed;
  labels?: Label[];
  threadgate?: Threadgate;
  replyCount?: number;
  repostCount?: number;
  likeCount?: number;
  quoteCount?: number;
  bookmarkCount?: number;
  viewer?: PostViewer;
  indexedAt: string;
}

export interface FeedItem {
  post: Post;
  reply?: { parent?: { author?: Actor } };
  reason?: { $type: string; by?: Actor };
}

export interface ThreadNode {
  $type?: string;
  uri?: string;
  post?: Post;
  parent?: ThreadNode;
  replies?: ThreadNode[];
  notFound?: boolean;
  blocked?: boolean;
}

/** Something that happened to who is signed in. */
export interface Bookmark {
  subject: Ref;
  createdAt?: string;
  item: Post & { $type?: string; notFound?: boolean; blocked?: boolean };
}

export interface ListItem {
  uri: string;
  subject: Actor;
}

/** A browser in which somebody signed in. */
export interface SignedInBrowser {
  sessionId: string;
  userAgent: string;
  createdAtUs: number;
  usedAtUs: number;
  expiresAtUs: number;
}

/** A token with which a program acts. */
export interface ApiToken {
  tokenId: string;
  name: string;
  scopes: string[];
  createdAtUs: number;
  usedAtUs: number | null;
  expiresAtUs: number | null;
}
