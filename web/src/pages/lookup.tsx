// An account or a record, looked up: how it stands here, what was decided of it, what is said of it; and acting on it.
import { type FormEvent, useState } from "react";
import { useAct } from "../act.ts";
import { admin, ApiError, query, xrpc, xrpcAs } from "../api.ts";
import { words } from "../figures.ts";
import { mood } from "../labels.ts";
import { useLoad } from "../load.ts";
import { navigate } from "../navigate.ts";
import { Badge, Facts } from "../parts/figure.tsx";
import { LabelForm } from "../parts/label_form.tsx";
import { Who } from "../parts/labels.tsx";
import { A } from "../parts/link.tsx";
import { RecordLink } from "../parts/named.tsx";
import { Said } from "../parts/said.tsx";
import { Empty, Failed, Loading } from "../parts/states.tsx";
import { Lift, TakeDown } from "../parts/take_down.tsx";
import { Time } from "../parts/time.tsx";
import { href } from "../router.ts";
import type { Operator } from "../session.ts";
import { named, understood, uriOf } from "../subjects.ts";
import { keyOf, takedownOf } from "../takedowns.ts";
import type { AccountInfo, AccountState, Label, Takedown, TakedownPage, TakedownSubject } from "../types.ts";
import { uriParts } from "../uri.ts";
import { TakedownTable } from "./takedowns.tsx";

/** Takedowns and labels told of one account. */
const TOLD_MAX = 100;

export function Lookup({ operator, subject }: { operator: Operator; subject: string | null }) {
  const [typed, setTyped] = useState(subject ?? "");
  const [error, setError] = useState<string | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const found = named(typed.trim());
    if (found === null) return setError("Name a DID, a handle, an at:// URI or an address on bsky.app.");
    setError(null);
    navigate(href({ page: "moderation", tab: "accounts", subject: uriOf(found) }));
  };
  return (
    <>
      <form className="lookup" onSubmit={submit}>
        <label htmlFor="lookup">Account or record</label>
        <div className="together">
          <input
            id="lookup"
            value={typed}
            maxLength={2_000}
            spellCheck={false}
            autoCapitalize="off"
            aria-invalid={error !== null}
            aria-describedby="lookup-error"
            onChange={(event) => setTyped(event.target.value)}
          />
          <button type="submit" className="primary">
            Look up
          </button>
        </div>
        <p id="lookup-error" className="error" role="alert">
          {error}
        </p>
      </form>
      {subject === null ? <Empty>Look an account or a record up to see how it stands here, and to act on it.</Empty> : <Named operator={operator} subject={subject} />}
    </>
  );
}

/** Finds the DID behind a handle first. */
function Named({ operator, subject }: { operator: Operator; subject: string }) {
  const loaded = useLoad(`subject ${subject}`, async () => (await understood(subject))[0] ?? null);
  if (loaded.error !== null) return <Failed error={loaded.error} again={loaded.again} />;
  if (loaded.data === null) return <Loading what="the account" />;
  return <Found key={loaded.data} operator={operator} uri={loaded.data} />;
}

interface Known {
  info: AccountInfo | null;
  state: AccountState | null;
  takedowns: Takedown[];
  labels: Label[];
}

async function known(operator: Operator, did: string, uri: string, signal: AbortSignal): Promise<Known> {
  const uriPatterns = uri === did ? [did, `at://${did}/*`] : [did, uri];
  const [{ infos }, state, { takedowns }, { labels }] = await Promise.all([
    xrpcAs<{ infos: AccountInfo[] }>(operator, "com.atproto.admin.getAccountInfos", { dids: [did] }, signal),
    admin<AccountState>(operator, `accounts/${did}`, signal).catch((error: unknown) => {
      if (error instanceof ApiError && error.status === 404) return null;
      throw error;
    }),
    admin<TakedownPage>(operator, `takedowns${query({ did, limit: TOLD_MAX })}`, signal),
    xrpc<{ labels: Label[] }>("com.atproto.label.queryLabels", { uriPatterns, limit: TOLD_MAX }, signal),
  ]);
  return { info: infos[0] ?? null, state, takedowns, labels };
}

function Found({ operator, uri }: { operator: Operator; uri: string }) {
  const act = useAct();
  const did = uriParts(uri)?.actor ?? uri;
  const [down, setDown] = useState<TakedownSubject | null>(null);
  const [lifting, setLifting] = useState<TakedownSubject | null>(null);
  const loaded = useLoad(`known ${uri}`, (signal) => known(operator, did, uri, signal));
  const done = (said: string) => {
    act.say(said);
    setDown(null);
    setLifting(null);
    loaded.again();
  };
  if (loaded.data === null) return loaded.error === null ? <Loading what="the account" /> : <Failed error={loaded.error} again={loaded.again} />;
  const { takedowns, labels } = loaded.data;
  const standing = new Map(takedowns.map((takedown) => [keyOf(takedown.subject), takedown]));
  const turn = (of: string) => {
    const subject = takedownOf(of);
    const stands = standing.has(keyOf(subject));
    return (
      <button type="button" className={stands ? undefined : "danger"} onClick={() => (stands ? setLifting(subject) : setDown(subject))}>
        {stands ? "Lift the takedown …" : `Take the ${subject.kind} down …`}
      </button>
    );
  };
  return (
    <>
      <Said of={act} />
      {loaded.error !== null && <Failed error={loaded.error} again={loaded.again} />}
      <Account did={did} known={loaded.data} takedown={standing.get(did)}>
        {turn(did)}
      </Account>
      {uri !== did && <RecordCard uri={uri} takedown={standing.get(uri)} turn={turn(uri)} />}
      <section aria-labelledby="down" className="card">
        <h2 id="down">Taken down of this account</h2>
        {takedowns.length === 0 ? <p className="muted">Nothing.</p> : <TakedownTable takedowns={takedowns} lift={setLifting} />}
        {takedowns.length >= TOLD_MAX && (
          <p>
            <A to={href({ page: "moderation", tab: "takedowns", subject: did })}>All of them</A>
          </p>
        )}
      </section>
      <section aria-labelledby="said" className="card">
        <h2 id="said">Said by labelers of {uri === did ? "it and its records" : "the account and this record"}</h2>
        {labels.length === 0 ? <p className="muted">Nothing.</p> : <Told labels={labels} did={did} />}
      </section>
      <section aria-labelledby="label" className="card">
        <h2 id="label">Label {uri === did ? "the account" : "the record"}</h2>
        <LabelForm operator={operator} subject={uri} done={loaded.again} />
      </section>
      {down !== null && <TakeDown operator={operator} subjects={[down]} close={() => setDown(null)} done={done} />}
      {lifting !== null && <Lift operator={operator} subjects={[lifting]} close={() => setLifting(null)} done={done} />}
    </>
  );
}

function Account({ did, known, takedown, children }: { did: string; known: Known; takedown: Takedown | undefined; children: React.ReactNode }) {
  const { info, state } = known;
  const profile = (info?.relatedRecords?.[0] ?? {}) as { displayName?: unknown };
  const name = typeof profile.displayName === "string" ? profile.displayName.trim() : "";
  return (
    <section className="card" aria-labelledby="account">
      <div className="card-head">
        <h2 id="account" className="break">
          {name !== "" && <bdi>{name} </bdi>}
          {info === null ? "An account" : `@${info.handle}`} <Standing state={state} takedown={takedown} />
        </h2>
        <div className="actions">{children}</div>
      </div>
      <p className="break">
        <code>{did}</code> · <A to={href({ page: "profile", actor: did, tab: "posts" })}>In the explorer</A>
      </p>
      {info === null && state === null && <p className="warning">Nothing of this account is here. What is decided now holds when it comes.</p>}
      {takedown !== undefined && <Why takedown={takedown} />}
      {(info !== null || state !== null) && (
        <Facts
          wide
          facts={[
            ...(info === null ? [] : [["Known since", <Time key="i" ms={Date.parse(info.indexedAt)} />] as [string, React.ReactNode]]),
            ...(state === null
              ? []
              : ([
                  ["Host", state.pds ?? "not known yet"],
                  ["Hosting status", state.active ? "active" : (state.status ?? "not active")],
                  ["How much is here", words(state.syncState)],
                  ["Last change", <Time key="u" ms={state.updatedUs / 1_000} />],
                ] as [string, React.ReactNode][])),
          ]}
        />
      )}
    </section>
  );
}

function Standing({ state, takedown }: { state: AccountState | null; takedown: Takedown | undefined }) {
  if (takedown !== undefined) return <Badge mood="bad">taken down here</Badge>;
  if (state === null) return <Badge mood="plain">not seen</Badge>;
  return state.active ? <Badge mood="good">active</Badge> : <Badge mood="warn">{state.status ?? "not active"}</Badge>;
}

function Why({ takedown }: { takedown: Takedown }) {
  return (
    <p className="break">
      Taken down <Time ms={takedown.atUs / 1_000} /> by {takedown.by}
      {takedown.reason === "" ? ", without a reason" : `: ${takedown.reason}`}
      {takedown.reference !== "" && ` (${takedown.reference})`}
    </p>
  );
}

function RecordCard({ uri, takedown, turn }: { uri: string; takedown: Takedown | undefined; turn: React.ReactNode }) {
  const parts = uriParts(uri);
  return (
    <section className="card" aria-labelledby="record">
      <div className="card-head">
        <h2 id="record">This record {takedown !== undefined && <Badge mood="bad">taken down here</Badge>}</h2>
        <div className="actions">{turn}</div>
      </div>
      <p className="break">
        <code>{uri}</code> · <RecordLink uri={uri}>In the explorer</RecordLink>
      </p>
      {takedown !== undefined && <Why takedown={takedown} />}
      {parts === null && <p className="warning">That is not the URI of a record.</p>}
    </section>
  );
}

function Told({ labels, did }: { labels: Label[]; did: string }) {
  return (
    <ul className="told-labels">
      {labels.map((label) => (
        <li key={`${label.src} ${label.uri} ${label.val}`} className="break">
          <Badge mood={mood(label.val)}>{label.val}</Badge> by <Who did={label.src} author={did} />{" "}
          <span className="muted">
            {label.uri !== did && (
              <>
                of <RecordLink uri={label.uri}>{label.uri.slice(`at://${did}/`.length)}</RecordLink>{" "}
              </>
            )}
            <Time ms={Date.parse(label.cts)} />
          </span>
        </li>
      ))}
    </ul>
  );
}
