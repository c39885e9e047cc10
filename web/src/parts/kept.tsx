// What is kept here of who is signed in: taken along as a file, or erased.
import { useState } from "react";
import { useAct } from "../act.ts";
import { signedIn } from "../api.ts";
import { useOwn } from "../context.ts";
import type { Person } from "../person.ts";
import { Confirm } from "./confirm.tsx";
import { Said } from "./said.tsx";

export function KeptHere({ person }: { person: Person }) {
  const { refresh } = useOwn();
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const erase = () => {
    setAsking(false);
    void act.run("erase", async () => {
      await signedIn("/erase", { did: person.did });
      await refresh();
      return "";
    });
  };
  return (
    <section className="card">
      <h2>What is kept of you here</h2>
      <p className="muted">
        Whom and what you mute, bookmarks, drafts, of what you want to be notified, where you are signed in. What you wrote lies at your own server.
      </p>
      <Said of={act} />
      <div className="actions">
        <a className="button" href="/api/v1/session/data" download>
          Take it along
        </a>
        <button type="button" className="danger" disabled={act.pending !== null} onClick={() => setAsking(true)}>
          Erase it …
        </button>
      </div>
      {asking && (
        <Confirm title="Erase all that is kept of you here?" yes="Erase" no="Keep" onYes={erase} onNo={() => setAsking(false)}>
          <p>Your mutes, bookmarks, drafts and notification settings are gone for good, and you are signed out everywhere. What you wrote stays at your own server, and is still shown.</p>
        </Confirm>
      )}
    </section>
  );
}
