// Writing a post: what is typed is kept until it is sent, and sent means shown at once.
import { type ClipboardEvent, type FormEvent, type KeyboardEvent, useEffect, useId, useRef, useState } from "react";
import { ALT_GRAPHEMES_MAX, GRAPHEMES_MAX, graphemes, LANGS_MAX, PICTURES_MAX, tidied } from "../compose.ts";
import type { Composing } from "../context.ts";
import { type Draft, newDraft, type Picked, send } from "../drafts.ts";
import { counted } from "../figures.ts";
import { langName, langs as keptLangs, offered, saveLangs } from "../langs.ts";
import type { Person } from "../person.ts";
import { picked } from "../pictures.ts";
import { saveTyped, typedAt } from "../typed.ts";
import type { Post } from "../types.ts";
import { nameOf } from "./people.tsx";

/** Bytes of a record's text. */
const BYTES_MAX = 3_000;

interface Props {
  person: Person;
  what: Composing;
  /** Has the focus from the beginning. */
  focused?: boolean;
  done: () => void;
  cancel?: () => void;
}

export function Composer({ person, what, focused = false, done, cancel }: Props) {
  const id = useId();
  const place = [person.did, what.reply?.uri, what.quote?.uri, what.draft?.rkey].join(" ");
  const [text, setText] = useState(() => typedAt(localStorage, place) || (what.draft?.text ?? ""));
  const [pictures, setPictures] = useState<Picked[]>(what.draft?.pictures ?? []);
  const [langs, setLangs] = useState(() => what.draft?.langs ?? keptLangs(localStorage, navigator.languages));
  const [error, setError] = useState("");
  const [reading, setReading] = useState(false);
  const field = useRef<HTMLTextAreaElement>(null);
  const files = useRef<HTMLInputElement>(null);
  const clean = tidied(text);
  const left = GRAPHEMES_MAX - graphemes(clean);
  const tooLong = left < 0 || new TextEncoder().encode(clean).length > BYTES_MAX;
  const empty = clean === "" && pictures.length === 0 && what.quote === undefined && what.draft?.quote == null;
  useEffect(() => {
    if (focused) field.current?.focus();
  }, [focused]);
  const type = (text: string) => {
    setText(text);
    saveTyped(localStorage, place, text);
  };
  const add = async (chosen: File[]) => {
    if (chosen.length === 0) return;
    setError("");
    setReading(true);
    try {
      const room = PICTURES_MAX - pictures.length;
      if (chosen.length > room) setError(`A post takes ${PICTURES_MAX} pictures; the first ones are taken.`);
      const read: Picked[] = [];
      for (const file of chosen.slice(0, room)) read.push(await picked(file));
      setPictures((old) => [...old, ...read].slice(0, PICTURES_MAX));
    } catch (error) {
      setError(error instanceof Error ? error.message : String(error));
    }
    setReading(false);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (empty || reading) return;
    if (tooLong) return setError(`It is ${-left > 0 ? counted(-left, "letter", "letters") : "some letters"} too long.`);
    const draft = made(person, clean, langs, what, pictures);
    send(draft, localStorage);
    saveTyped(localStorage, place, "");
    setText("");
    setPictures([]);
    setError("");
    done();
  };
  const pressed = (event: KeyboardEvent) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event);
  };
  const pasted = (event: ClipboardEvent) => {
    const images = [...event.clipboardData.files].filter((file) => file.type.startsWith("image/"));
    if (images.length === 0) return;
    event.preventDefault();
    void add(images);
  };
  const name = what.reply !== undefined ? "Your reply" : "Your post";
  return (
    <form className="composer" onSubmit={submit}>
      <label htmlFor={id} className="hidden">
        {name}
      </label>
      <textarea
        ref={field}
        id={id}
        className="plain"
        dir="auto"
        rows={text === "" && !focused ? 2 : 4}
        value={text}
        placeholder={what.reply !== undefined ? "Write a reply" : "Write a post"}
        aria-describedby={`${id}-left ${id}-error`}
        aria-invalid={tooLong}
        onChange={(event) => type(event.target.value)}
        onKeyDown={pressed}
        onPaste={pasted}
      />
      {what.quote !== undefined && <Quoted post={what.quote} />}
      {pictures.length > 0 && (
        <ul className="picked">
          {pictures.map((picture, at) => (
            <li key={picture.shown.slice(-60)}>
              <img src={picture.shown} alt="" />
              <Alt picture={picture} at={at} set={(alt) => setPictures(pictures.map((one, n) => (n === at ? { ...one, alt } : one)))} />
              <button type="button" className="quiet" onClick={() => setPictures(pictures.filter((_, n) => n !== at))}>
                Take it out<span className="hidden"> (picture {at + 1})</span>
              </button>
            </li>
          ))}
        </ul>
      )}
      <p id={`${id}-error`} role="alert" className="error break">
        {error}
      </p>
      <div className="composer-foot">
        <input
          ref={files}
          type="file"
          accept="image/jpeg,image/png,image/webp,image/gif"
          multiple
          hidden
          onChange={(event) => {
            void add([...(event.target.files ?? [])]);
            event.target.value = "";
          }}
        />
        <button
          type="button"
          className="quiet"
          disabled={reading || pictures.length >= PICTURES_MAX}
          title={`Up to ${PICTURES_MAX} pictures of 2 MB; larger ones are made smaller`}
          onClick={() => files.current?.click()}
        >
          {reading ? "Reading …" : "Pictures"}
        </button>
        <Languages chosen={langs} set={setLangs} />
        <span id={`${id}-left`} className={tooLong ? "number error" : "number muted"}>
          {left}
          <span className="hidden"> letters left</span>
        </span>
        {cancel !== undefined && (
          <button type="button" onClick={cancel}>
            Later
          </button>
        )}
        <button type="submit" className="primary" disabled={empty || reading} title="Also Ctrl+Enter">
          {what.reply !== undefined || what.draft?.reply != null ? "Reply" : "Post"}
        </button>
      </div>
    </form>
  );
}

/** One that was refused keeps its key, so that it is never there twice. */
function made(person: Person, text: string, langs: string[], what: Composing, pictures: Picked[]): Draft {
  const fresh = newDraft(person.did, text, langs, { reply: what.reply ?? null, quote: what.quote ?? null, pictures });
  const old = what.draft;
  return old === undefined ? fresh : { ...fresh, rkey: old.rkey, reply: old.reply, quote: old.quote };
}

function Alt({ picture, at, set }: { picture: Picked; at: number; set: (alt: string) => void }) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id}>
        Description of picture {at + 1} <span className="muted">(for who does not see it)</span>
      </label>
      <textarea id={id} className="plain" rows={2} maxLength={ALT_GRAPHEMES_MAX} value={picture.alt} onChange={(event) => set(event.target.value)} />
    </div>
  );
}

function Quoted({ post }: { post: Post }) {
  return (
    <p className="card-in clamp">
      <span className="muted">Quotes </span>
      <bdi>{nameOf(post.author)}</bdi> <span className="muted">{typeof post.record.text === "string" ? post.record.text : ""}</span>
    </p>
  );
}

function Languages({ chosen, set }: { chosen: string[]; set: (langs: string[]) => void }) {
  const [first] = chosen;
  return (
    <label>
      <span className="hidden">Language of the post</span>
      <select
        className="compact"
        value={chosen.join(" ")}
        onChange={(event) => {
          const next = event.target.value === "" ? [] : event.target.value.split(" ").slice(0, LANGS_MAX);
          set(next);
          saveLangs(localStorage, next);
        }}
      >
        <option value="">no language</option>
        {chosen.length > 1 && <option value={chosen.join(" ")}>{chosen.map(langName).join(", ")}</option>}
        {offered(navigator.languages, first === undefined ? [] : [first]).map((lang) => (
          <option key={lang} value={lang}>
            {langName(lang)}
          </option>
        ))}
      </select>
    </label>
  );
}
