// Who may reply and who may quote, as a post's author decided.
import { xrpc } from "../api.ts";
import { counted } from "../figures.ts";
import { quotes, replies } from "../gates.ts";
import { useLoad } from "../load.ts";
import type { Threadgate } from "../types.ts";
import { uriParts } from "../uri.ts";
import { RecordLink } from "./named.tsx";

export function ReplyGate({ gate }: { gate: Threadgate | undefined }) {
  const said = replies(gate);
  if (said === null) return null;
  return (
    <p className="gate muted">
      <Lock />
      <span>
        {said.rules === null && "Everybody may reply"}
        {said.rules?.length === 0 && "Nobody may reply"}
        {said.rules !== null && said.rules.length > 0 && (
          <>
            Only these may reply:{" "}
            {said.rules.map((rule, at) => (
              <span key={at}>
                {at > 0 && ", "}
                {rule.text}
                {rule.list !== undefined && (
                  <>
                    {" “"}
                    <RecordLink uri={rule.list.uri}>{rule.list.name || "a list"}</RecordLink>”
                  </>
                )}
              </span>
            ))}
          </>
        )}
        {said.hidden.length > 0 && `; ${counted(said.hidden.length, "reply is", "replies are")} hidden by the author`}
      </span>
    </p>
  );
}

/** Views of posts do not tell of a postgate: its record is asked for. Most posts have none. */
export function QuoteGate({ uri }: { uri: string }) {
  const parts = uriParts(uri);
  const loaded = useLoad(`postgate ${uri}`, async (signal) => {
    if (parts === null) return null;
    const params = { repo: parts.actor, collection: "app.bsky.feed.postgate", rkey: parts.rkey };
    return (await xrpc<{ value: unknown }>("com.atproto.repo.getRecord", params, signal)).value;
  });
  if (loaded.data === null || parts === null) return null;
  const said = quotes(loaded.data);
  if (!said.refused && said.detached.length === 0) return null;
  return (
    <p className="gate muted">
      <Lock />
      <span>
        {said.refused ? "Nobody may quote it" : "Everybody may quote it"}
        {said.detached.length > 0 && `; its author detached it from ${counted(said.detached.length, "post", "posts")}`}{" "}
        (<RecordLink uri={`at://${parts.actor}/app.bsky.feed.postgate/${parts.rkey}`}>record</RecordLink>)
      </span>
    </p>
  );
}

function Lock() {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      <path d="M6 11h12v9H6zM8.500 11V8a3.500 3.500 0 0 1 7 0v3" />
    </svg>
  );
}
