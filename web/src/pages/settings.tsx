// What somebody who is signed in chooses, and where else they are signed in.
import { useState } from "react";
import { useAct } from "../act.ts";
import { signedIn } from "../api.ts";
import { LANGS_MAX } from "../compose.ts";
import { useLive, useOwn } from "../context.ts";
import { langName, langs as keptLangs, offered, saveLangs } from "../langs.ts";
import { useLoad } from "../load.ts";
import { Confirm } from "../parts/confirm.tsx";
import { Badge } from "../parts/figure.tsx";
import { KeptHere } from "../parts/kept.tsx";
import { A } from "../parts/link.tsx";
import { Pushed } from "../parts/pushed.tsx";
import { Said } from "../parts/said.tsx";
import { Shown } from "../parts/states.tsx";
import { Time } from "../parts/time.tsx";
import { Tokens } from "../parts/tokens.tsx";
import type { Person } from "../person.ts";
import { href } from "../router.ts";
import type { Theme } from "../theme.ts";
import type { SignedInBrowser } from "../types.ts";

const THEMES: [Theme, string][] = [
  ["system", "as the system has it"],
  ["light", "light"],
  ["dark", "dark"],
];

const LIVE = {
  on: "The server tells of what is new by itself.",
  off: "Nothing is told while this page is not looked at.",
  waiting: "The server cannot be listened to now; it is tried again.",
  refused: "The server does not tell of what is new by itself now. Pages show it when they are loaded again.",
};

interface Props {
  person: Person;
  theme: Theme;
  setTheme: (theme: Theme) => void;
}

export function Settings({ person, theme, setTheme }: Props) {
  return (
    <>
      <h1>Settings</h1>
      <Account person={person} />
      <section className="card">
        <h2>Looks</h2>
        <fieldset>
          <legend className="hidden">Light or dark</legend>
          {THEMES.map(([one, name]) => (
            <label key={one} className="choice">
              <input type="radio" name="theme" checked={theme === one} onChange={() => setTheme(one)} />
              {name}
            </label>
          ))}
        </fieldset>
      </section>
      <Languages />
      <Pushed did={person.did} />
      <Browsers person={person} />
      <Tokens />
      <KeptHere person={person} />
    </>
  );
}

function Account({ person }: { person: Person }) {
  const { signOut } = useOwn();
  const live = useLive();
  const act = useAct();
  const [asking, setAsking] = useState(false);
  const leave = (everywhere: boolean) => {
    setAsking(false);
    void act.run("sign out", async () => {
      await signOut(everywhere);
      return "";
    });
  };
  return (
    <section className="card">
      <h2>Your account</h2>
      <p className="break">
        {person.profile !== null && (
          <>
            <A to={href({ page: "profile", actor: person.did, tab: "posts" })}>@{person.profile.handle}</A>{" "}
          </>
        )}
        <code>{person.did}</code>
      </p>
      <p className="muted">{LIVE[live.state]}</p>
      <Said of={act} />
      <div className="actions">
        <button type="button" disabled={act.pending !== null} onClick={() => leave(false)}>
          Sign out
        </button>
        <button type="button" className="danger" disabled={act.pending !== null} onClick={() => setAsking(true)}>
          Sign out everywhere …
        </button>
      </div>
      {asking && (
        <Confirm title="Sign out everywhere?" yes="Sign out" no="Stay" onYes={() => leave(true)} onNo={() => setAsking(false)}>
          <p>All browsers are signed out of this service, this one too, and all tokens for programs end. What your server gave is given back to it.</p>
        </Confirm>
      )}
    </section>
  );
}

function Languages() {
  const [chosen, setChosen] = useState(() => keptLangs(localStorage, navigator.languages));
  const turn = (lang: string) => {
    const next = chosen.includes(lang) ? chosen.filter((one) => one !== lang) : [...chosen, lang].slice(0, LANGS_MAX);
    setChosen(next);
    saveLangs(localStorage, next);
  };
  return (
    <section className="card">
      <h2>Languages</h2>
      <fieldset>
        <legend className="muted">In which you write, up to {LANGS_MAX}: said with each post.</legend>
        <div className="choices">
          {offered(navigator.languages, chosen).toSorted((a, b) => langName(a).localeCompare(langName(b))).map((lang) => (
            <label key={lang} className="choice">
              <input type="checkbox" checked={chosen.includes(lang)} disabled={!chosen.includes(lang) && chosen.length >= LANGS_MAX} onChange={() => turn(lang)} />
              {langName(lang)}
            </label>
          ))}
        </div>
      </fieldset>
    </section>
  );
}

function Browsers({ person }: { person: Person }) {
  const act = useAct();
  const loaded = useLoad("browsers", (signal) => signedIn<{ browsers: SignedInBrowser[] }>("/browsers", undefined, signal));
  const end = (sessionId: string) =>
    act.run(sessionId, async () => {
      await signedIn("/sign-out", { sessionId });
      loaded.again();
      return "That browser is signed out.";
    });
  return (
    <section className="card">
      <h2>Where you are signed in</h2>
      <Said of={act} />
      <Shown of={loaded} what="your browsers">
        {({ browsers }) => (
          <ul className="chosen">
            {browsers.map((browser) => (
              <li key={browser.sessionId}>
                <div className="what">
                  <p className="break clamp">{browser.userAgent || "a browser that does not say which"}</p>
                  <p className="muted">
                    signed in <Time ms={browser.createdAtUs / 1_000} />, last used <Time ms={browser.usedAtUs / 1_000} />, ends <Time ms={browser.expiresAtUs / 1_000} />
                  </p>
                </div>
                {browser.sessionId === person.sessionId ? (
                  <Badge mood="good">this one</Badge>
                ) : (
                  <button type="button" disabled={act.pending !== null} onClick={() => end(browser.sessionId)}>
                    Sign out<span className="hidden"> that browser</span>
                  </button>
                )}
              </li>
            ))}
          </ul>
        )}
      </Shown>
    </section>
  );
}
