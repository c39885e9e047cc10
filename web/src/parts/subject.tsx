// An account or record that something was decided about: whose it is, and the way to all that is known of it.
import { useHandle } from "../names.ts";
import { href } from "../router.ts";
import { uriParts } from "../uri.ts";
import { A } from "./link.tsx";

export function SubjectLink({ uri }: { uri: string }) {
  const parts = uriParts(uri);
  const did = parts?.actor ?? uri;
  const handle = useHandle(did.startsWith("did:") ? did : null);
  const named = handle !== null && handle !== "handle.invalid";
  return (
    <span className="subject">
      <A data-open to={href({ page: "moderation", tab: "accounts", subject: uri })}>
        {named ? `@${handle}` : did}
      </A>
      {parts !== null && (
        <span>
          {parts.collection.split(".").at(-1)} <code>{parts.rkey}</code>
        </span>
      )}
      {named && <code className="muted">{did}</code>}
    </span>
  );
}
