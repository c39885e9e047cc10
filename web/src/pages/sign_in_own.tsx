// Where somebody signs in with their own account: at their own server, or with an app password.
import { type FormEvent, useState } from "react";
import { ApiError, signedIn } from "../api.ts";
import { useOwn } from "../context.ts";
import { navigate } from "../navigate.ts";
import { A } from "../parts/link.tsx";
import { Failed, Loading } from "../parts/states.tsx";
import { authorizeAt, failure, leave, place } from "../person.ts";
import { href } from "../router.ts";

interface Props {
  error: string | null;
  message: string | null;
  /** The page that needs it, if somebody was on one. */
  here: string;
}

export function SignInOwn({ error, message, here }: Props) {
  const own = useOwn();
  const [way, setWay] = useState<"oauth" | "password" | null>(null);
  if (own.person !== undefined && own.person !== null) return <Already />;
  if (own.service === null) return own.error === null ? <Loading what="who is signed in" /> : <Failed error={own.error} again={() => void own.refresh()} />;
  const { speaksOauth, signInAt } = own.service;
  const elsewhere = new URL(signInAt).origin !== location.origin;
  const shown = way ?? (speaksOauth ? "oauth" : "password");
  return (
    <section className="sign-in">
      <h1>Sign in with your account</h1>
      <p className="muted">The account that you have on the network, wherever it is: you make none here, and what you write goes into your own repository.</p>
      {own.lost && error === null && (
        <p className="warning" role="alert">
          You were signed out here. What you have not sent is kept.
        </p>
      )}
      {error !== null && <WhyNot error={error} message={message ?? ""} />}
      {elsewhere && (
        <p className="warning">
          Signing in works at <a href={`${signInAt}${href({ page: "sign-in", error: null, message: null })}`}>{signInAt}</a>, not here.
        </p>
      )}
      {shown === "oauth" ? <AtTheirServer here={here} /> : <WithPassword here={here} />}
      {speaksOauth ? (
        <p>
          <button type="button" className="quiet" onClick={() => setWay(shown === "oauth" ? "password" : "oauth")}>
            {shown === "oauth" ? "Use an app password instead" : "Sign in at your server instead"}
          </button>
        </p>
      ) : (
        <p className="muted">This service has no key with which servers would know it, so that app passwords are the only way.</p>
      )}
      <p className="muted">
        You run this service? <A to={href({ page: "overview" })}>Sign in as the operator</A>
      </p>
    </section>
  );
}

function WhyNot({ error, message }: { error: string; message: string }) {
  const { says, more } = failure(error, message);
  const known = says !== message.trim().slice(0, 500);
  return (
    <div className="state bad" role="alert">
      <p className="break">{known ? says : "Nobody was signed in."}</p>
      {(more !== "" || !known) && (
        <p className="muted break">
          What was said of it: “<bdi>{known ? more : says}</bdi>”
        </p>
      )}
    </div>
  );
}

function Already() {
  const { person, signOut } = useOwn();
  return (
    <section className="sign-in">
      <h1>You are signed in</h1>
      <p className="break">
        {person?.profile !== null && person?.profile !== undefined && <strong>@{person.profile.handle} </strong>}
        <code>{person?.did}</code>
      </p>
      <div className="actions">
        <button type="button" className="primary" onClick={() => navigate(href({ page: "home" }))}>
          Go on
        </button>
        <button type="button" onClick={() => void signOut(false)}>
          Sign out
        </button>
      </div>
    </section>
  );
}

/** Where somebody goes when they are signed in: where they were, or home. */
function whither(here: string): string {
  leave(sessionStorage, here, Date.now());
  const back = place(sessionStorage, Date.now());
  return back === null || back === href({ page: "overview" }) ? href({ page: "home" }) : back;
}

function AtTheirServer({ here }: { here: string }) {
  const [who, setWho] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const identifier = who.trim().replace(/^@/, "");
    if (identifier === "" || busy) return;
    setBusy(true);
    setError(null);
    try {
      const { authorizeUrl } = await signedIn<{ authorizeUrl: unknown }>("/sign-in", { identifier, returnTo: whither(here) });
      const address = authorizeAt(authorizeUrl);
      if (address === null) throw new Error("The server named no address to sign in at.");
      location.assign(address);
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
      <label htmlFor="who">Your handle</label>
      <input
        id="who"
        autoComplete="username"
        autoCapitalize="off"
        spellCheck={false}
        inputMode="email"
        maxLength={500}
        placeholder="alice.example.com"
        value={who}
        aria-describedby="who-hint who-error"
        onChange={(event) => setWho(event.target.value)}
      />
      <p id="who-hint" className="muted hint">
        Or your DID, or the address of your server. You are sent there, and asked by it whether you agree; your password is not typed here.
      </p>
      <Wrong id="who-error" error={error} />
      <button type="submit" className="primary" disabled={busy}>
        {busy ? "Asking your server …" : "Sign in"}
      </button>
    </form>
  );
}

function WithPassword({ here }: { here: string }) {
  const { refresh } = useOwn();
  const [who, setWho] = useState("");
  const [password, setPassword] = useState("");
  const [code, setCode] = useState("");
  const [server, setServer] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const needsCode = error instanceof ApiError && error.code === "AuthFactorTokenRequired";
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const identifier = who.trim().replace(/^@/, "");
    if (identifier === "" || password === "" || busy) return;
    setBusy(true);
    setError(null);
    try {
      const more = { ...(code.trim() === "" ? {} : { authFactorToken: code.trim() }), ...(server.trim() === "" ? {} : { server: server.trim() }) };
      await signedIn("/app-password", { identifier, password, ...more });
      setPassword("");
      const back = whither(here);
      await refresh();
      navigate(back, "replace");
    } catch (error) {
      setError(error);
      setBusy(false);
    }
  };
  return (
    <form onSubmit={submit}>
      <label htmlFor="app-who">Your handle</label>
      <input id="app-who" autoComplete="username" autoCapitalize="off" spellCheck={false} maxLength={500} value={who} onChange={(event) => setWho(event.target.value)} />
      <label htmlFor="app-password">App password</label>
      <input
        id="app-password"
        type="password"
        autoComplete="current-password"
        maxLength={500}
        value={password}
        aria-describedby="app-hint app-error"
        onChange={(event) => setPassword(event.target.value)}
      />
      <p id="app-hint" className="muted hint">
        One that you made for this at your server, <strong>never the password of your account</strong>: whoever runs this service could read what is typed here. An
        app password writes in your name until you take it back there; signing in at your server is the safer way.
      </p>
      {needsCode && (
        <>
          <label htmlFor="app-code">The code from the mail</label>
          <input id="app-code" autoComplete="one-time-code" maxLength={100} value={code} onChange={(event) => setCode(event.target.value)} />
        </>
      )}
      <details>
        <summary>My handle does not lead to my server</summary>
        <label htmlFor="app-server">Address of your server</label>
        <input id="app-server" inputMode="url" maxLength={500} placeholder="https://pds.example.com" value={server} onChange={(event) => setServer(event.target.value)} />
      </details>
      <Wrong id="app-error" error={error} />
      <button type="submit" className="primary" disabled={busy}>
        {busy ? "Signing in …" : "Sign in"}
      </button>
    </form>
  );
}

function Wrong({ id, error }: { id: string; error: unknown }) {
  const { says, more } = error instanceof ApiError ? failure(error.code, error.message) : { says: error === null ? "" : String(error instanceof Error ? error.message : error), more: "" };
  return (
    <p id={id} className="error break" role="alert">
      {says}
      {more !== "" && <span className="muted"> ({more})</span>}
    </p>
  );
}
