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
}

export interface ParkedEntry {
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

export interface Label {
  src: string;
  uri: string;
  val: string;
}

export interface Actor {
  did: string;
  handle: string;
  displayName?: string;
  description?: string;
  avatar?: string;
}

export interface Profile extends Actor {
  followersCount?: number;
  followsCount?: number;
  postsCount?: number;
  indexedAt?: string;
  createdAt?: string;
  labels?: Label[];
}

export interface Facet {
  index: { byteStart: number; byteEnd: number };
  features: { $type: string; uri?: string; did?: string; tag?: string }[];
}

export interface PostRecord {
  text?: unknown;
  createdAt?: string;
  facets?: Facet[];
  reply?: { parent: { uri: string } };
}

export interface Embed {
  $type: string;
  images?: { thumb: string; fullsize: string; alt: string }[];
  external?: { uri: string; title: string; description: string };
  record?: Record<string, unknown>;
  media?: Embed;
  thumbnail?: string;
  alt?: string;
}

export interface Post {
  uri: string;
  cid: string;
  author: Actor;
  record: PostRecord;
  embed?: Embed;
  replyCount?: number;
  repostCount?: number;
  likeCount?: number;
  quoteCount?: number;
  indexedAt: string;
  labels?: Label[];
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
