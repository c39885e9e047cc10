// The operator's door; people with accounts have another (sign_in_own.tsx). What is typed is tried as the password, then as the token of the data folder.
import { type FormEvent, useState } from "react";
import { admin, ApiError, told } from "../api.ts";
import { useSession } from "../context.ts";
import { A } from "../parts/link.tsx";
import { href } from "../router.ts";
import { byPassword, byToken, type Operator } from "../session.ts";

export function SignIn() {
  const { refused, signIn } = useSession();
  const [secret, setSecret] = useState("");
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<string | null>(refused ? "You were signed out: the server no longer accepts what you signed in with." : null);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    const typed = secret.trim();
    if (typed === "" || busy) return;
    setBusy(true);
    setError(null);
    try {
      const operator = await accepted(typed);
      if (operator === null) setError("That is neither the operator's password nor the token of the data folder.");
      else signIn(operator);
    } catch (error) {
      setError(told(error));
    }
    setBusy(false);
  };
  return (
    <section className="sign-in">
      <h1>Sign in as the operator</h1>
      <p className="muted">How the service runs is shown to its operator. Accounts and posts can be explored by everybody.</p>
      <form onSubmit={submit}>
        <input type="text" name="username" autoComplete="username" value="admin" readOnly hidden />
        <label htmlFor="secret">Password or token</label>
        <input
          id="secret"
          type="password"
          autoComplete="current-password"
          value={secret}
          maxLength={1_000}
          aria-invalid={error !== null}
          aria-describedby="secret-hint secret-error"
          onChange={(event) => setSecret(event.target.value)}
        />
        <p id="secret-error" className="error" role="alert">
          {error}
        </p>
        <button type="submit" className="primary" disabled={busy}>
          {busy ? "Signing in …" : "Sign in"}
        </button>
      </form>
      <p id="secret-hint" className="muted">
        The password is <code>appview.admin_password</code>; the token is in the file <code>admin.token</code> of the data folder. It is
        kept in this tab until you close it or sign out.
      </p>
      <p className="muted">
        Not the operator? <A to={href({ page: "sign-in", error: null, message: null })}>Sign in with your account</A> or{" "}
        <A to={href({ page: "explore", q: "" })}>explore the network without signing in</A>
      </p>
    </section>
  );
}

async function accepted(secret: string): Promise<Operator | null> {
  const ways = [byPassword(secret)];
  if (/^[\x21-\x7e]+$/.test(secret)) ways.push(byToken(secret));
  for (const operator of ways) {
    try {
      await admin(operator, "sources");
      return operator;
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
      // A half of the service that is away does not make the secret wrong.
      if (error.status === 503) return operator;
      if (error.status !== 401) throw error;
    }
  }
  return null;
}
