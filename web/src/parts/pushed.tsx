// The switch by which this browser is told of notifications while no page is open. Not there where the server pushes
// nothing.
import { useState } from "react";
import { useAct } from "../act.ts";
import { useLoad } from "../load.ts";
import { type Pushing, pushing, pushKey, turnOff, turnOn } from "../push.ts";
import { Said } from "./said.tsx";
import { Shown } from "./states.tsx";

const HINTS: Record<Pushing, string> = {
  unable: "This browser cannot be told: it has no push service, or this page is not secure.",
  denied: "This browser does not let this page show notifications. Its own settings can change that.",
  off: "This browser is told only while a page is open.",
  on: "This browser shows what is new while no page is open. What it is told goes through its push service, encrypted.",
};

export function Pushed({ did }: { did: string }) {
  const act = useAct();
  const [now, setNow] = useState<Pushing | null>(null);
  const loaded = useLoad(`push ${did}`, async (signal) => {
    const key = await pushKey(signal);
    return { key, state: key === null ? null : await pushing(key, did) };
  });
  if (loaded.data !== null && loaded.data.key === null) return null;
  const turn = (on: boolean, key: string) =>
    act.run("push", async () => {
      setNow(on ? await turnOn(key, did) : await turnOff());
      return "";
    });
  return (
    <section className="card">
      <h2>Notifications</h2>
      <Said of={act} />
      <Shown of={loaded} what="whether this browser is told">
        {({ key, state }) => {
          const current = now ?? state ?? "off";
          const able = current === "on" || current === "off";
          return (
            <>
              <label className="choice">
                <input type="checkbox" checked={current === "on"} disabled={!able || key === null || act.pending !== null} onChange={({ target }) => key !== null && void turn(target.checked, key)} />
                Tell this browser of notifications
              </label>
              <p className="muted">{HINTS[current]}</p>
            </>
          );
        }}
      </Shown>
    </section>
  );
}
