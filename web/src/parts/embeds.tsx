// What a post carries: pictures, videos, addresses, and other records, or what stands where they are not shown.
import { useState } from "react";
import { judge, type Judged, ofAccount } from "../labels.ts";
import { webAddress } from "../richtext.ts";
import type { Embed, EmbeddedRecord, Picture } from "../types.ts";
import { pageOf } from "../uri.ts";
import { Labels } from "./labels.tsx";
import { A } from "./link.tsx";
import { NamedRecord } from "./named.tsx";
import { Name } from "./people.tsx";
import { Text } from "./text.tsx";
import { Time } from "./time.tsx";
import { Warned } from "./warned.tsx";

/** Pictures shown of one post. */
const PICTURES_MAX = 20;
/** Records within records shown. */
const DEPTH_MAX = 2;

interface Props {
  embed: Embed;
  judged: Judged;
  author: string;
  depth?: number;
}

export function EmbedView({ embed, judged, author, depth = 0 }: Props) {
  const pictures = [embed.images, embed.items].find(Array.isArray)?.slice(0, PICTURES_MAX);
  const isVideo = embed.$type.startsWith("app.bsky.embed.video");
  const record = embed.$type.startsWith("app.bsky.embed.recordWithMedia") ? embed.record?.record : embed.record;
  const isOther = pictures === undefined && !isVideo && embed.external === undefined && embed.record === undefined;
  return (
    <>
      {embed.media !== undefined && <EmbedView embed={embed.media} judged={judged} author={author} depth={depth} />}
      {pictures !== undefined && (
        <Warned warning={judged.media} what="the pictures" author={author}>
          <Pictures pictures={pictures} />
        </Warned>
      )}
      {isVideo && (
        <Warned warning={judged.media} what="the video" author={author}>
          <Video embed={embed} />
        </Warned>
      )}
      {embed.external !== undefined && <External external={embed.external} judged={judged} author={author} />}
      {record !== undefined && record !== null && <Recorded record={record as EmbeddedRecord} depth={depth} />}
      {isOther && embed.media === undefined && <p className="card-in muted">Something this page does not know: {embed.$type}</p>}
    </>
  );
}

function Pictures({ pictures }: { pictures: Picture[] }) {
  return (
    <ul className={pictures.length === 1 ? "pictures single" : "pictures"}>
      {pictures.map((picture, at) => (
        <li key={at}>
          <One picture={picture} />
        </li>
      ))}
    </ul>
  );
}

function One({ picture }: { picture: Picture }) {
  const [lost, setLost] = useState(false);
  const address = webAddress(picture.thumb ?? picture.thumbnail);
  const full = webAddress(picture.fullsize);
  const alt = picture.alt?.trim() ?? "";
  const words = alt === "" ? "picture without description" : alt;
  const shown =
    address === null || lost ? (
      <span className="lost">Picture: {words}</span>
    ) : (
      <img src={address} alt={words} loading="lazy" referrerPolicy="no-referrer" onError={() => setLost(true)} />
    );
  return (
    <figure>
      {full === null ? (
        shown
      ) : (
        <a href={full} target="_blank" rel="noopener noreferrer nofollow">
          {shown}
        </a>
      )}
      {address !== null && !lost && (
        <figcaption className="muted clamp" aria-hidden="true">
          {alt === "" ? "no description" : alt}
        </figcaption>
      )}
    </figure>
  );
}

function Video({ embed }: { embed: Embed }) {
  const [lost, setLost] = useState(false);
  const still = webAddress(embed.thumbnail);
  const playlist = webAddress(embed.playlist);
  const alt = embed.alt?.trim() ?? "";
  return (
    <figure className="card-in video">
      {still !== null && !lost && <img src={still} alt="" loading="lazy" referrerPolicy="no-referrer" onError={() => setLost(true)} />}
      <figcaption>
        <p>Video: {alt === "" ? "without description" : alt}</p>
        {playlist !== null && (
          <a href={playlist} target="_blank" rel="noopener noreferrer nofollow">
            Playlist
          </a>
        )}
      </figcaption>
    </figure>
  );
}

function External({ external, judged, author }: { external: NonNullable<Embed["external"]>; judged: Judged; author: string }) {
  const [lost, setLost] = useState(false);
  const link = webAddress(external.uri);
  const thumb = webAddress(external.thumb);
  const warning = judged.media ?? judge(external.labels).media;
  return (
    <div className="card-in external">
      {thumb !== null && !lost && warning === null && <img src={thumb} alt="" loading="lazy" referrerPolicy="no-referrer" onError={() => setLost(true)} />}
      <div>
        {link === null ? (
          <span>{external.title}</span>
        ) : (
          <a href={link} target="_blank" rel="noopener noreferrer nofollow">
            {external.title || link}
          </a>
        )}
        <p className="clamp">{external.description}</p>
        <p className="muted">{link === null ? "not an address of the web" : new URL(link).host}</p>
        <Labels labels={external.labels} author={author} of="the address" />
      </div>
    </div>
  );
}

function Recorded({ record, depth }: { record: EmbeddedRecord; depth: number }) {
  if (record.detached) return <Absent>A quoted post from which its author detached it</Absent>;
  if (record.blocked) return <Absent>A quoted post that is not shown: one of the two blocks the other</Absent>;
  if (record.notFound) return <Absent>A quoted post that is not here: it was deleted, or has not been fetched</Absent>;
  if (record.author !== undefined) return <Quoted record={record} depth={depth} />;
  if (record.creator !== undefined || record.name !== undefined) return <NamedRecord of={record} />;
  return <Absent>A record that this page does not know</Absent>;
}

function Absent({ children }: { children: string }) {
  return <p className="card-in absent muted">{children}</p>;
}

function Quoted({ record, depth }: { record: EmbeddedRecord; depth: number }) {
  const author = record.author;
  if (author === undefined) return null;
  const judged = judge(record.labels, ofAccount(author.labels));
  const page = pageOf(record.uri);
  return (
    <div className="card-in quoted">
      <p className="quoted-head">
        <Name actor={author} />
        {page !== null && (
          <A className="muted when" to={page}>
            {record.indexedAt === undefined ? "Quoted post" : <Time ms={Date.parse(record.indexedAt)} />}
          </A>
        )}
      </p>
      <Warned warning={judged.all} what={`what ${author.handle} wrote`} author={author.did}>
        <Text text={record.value?.text} facets={record.value?.facets} />
        {depth < DEPTH_MAX &&
          record.embeds?.map((embed, at) => <EmbedView key={at} embed={embed} judged={judged} author={author.did} depth={depth + 1} />)}
      </Warned>
      <Labels labels={record.labels} author={author.did} of="the quoted post" />
    </div>
  );
}
