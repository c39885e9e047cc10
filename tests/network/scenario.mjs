// The official client, driven by a Rust test over JSON lines (json-lines.mjs). Every read goes
// client → PDS → AppView, as a user's app would send it, and the client checks each answer against
// the lexicons. `as` names whose session is used: the name before ".test" of its handle.
// Environment: PDS_URL; MODERATION_DID, whose takedowns and labels the app asks for.
import { AtpAgent, RichText } from '@atproto/api'
import { say, serve } from './json-lines.mjs'

const sessions = new Map()
if (process.env.MODERATION_DID) AtpAgent.configure({ appLabelers: [process.env.MODERATION_DID] })

say({ ready: true })

await serve({
  async createAccount({ as }) {
    const agent = new AtpAgent({ service: process.env.PDS_URL })
    const handle = `${as}.test`
    await agent.createAccount({ handle, email: `${as}@example.com`, password: password(as) })
    sessions.set(as, agent)
    return { did: agent.assertDid, handle }
  },
  async login({ as }) {
    const agent = new AtpAgent({ service: process.env.PDS_URL })
    await agent.login({ identifier: `${as}.test`, password: password(as) })
    sessions.set(as, agent)
    return { did: agent.assertDid }
  },
  // `text` is scanned for mentions and links as an app does before it posts.
  async post({ as, text, ...rest }) {
    const agent = session(as)
    const rich = new RichText({ text })
    await rich.detectFacets(agent)
    return agent.post({ text: rich.text, facets: rich.facets, ...rest })
  },
  async upload({ as, bytes, mime }) {
    const { data } = await session(as).uploadBlob(Buffer.from(bytes, 'base64'), { encoding: mime })
    return data.blob
  },
  deletePost: ({ as, uri }) => session(as).deletePost(uri),
  like: ({ as, uri, cid }) => session(as).like(uri, cid),
  deleteLike: ({ as, uri }) => session(as).deleteLike(uri),
  follow: ({ as, did }) => session(as).follow(did),
  deleteFollow: ({ as, uri }) => session(as).deleteFollow(uri),
  updateProfile: ({ as, profile }) => session(as).upsertProfile((before) => ({ ...before, ...profile })),
  // Everything up to now, as an app says when its notifications are opened.
  updateSeen: async ({ as }) => answer(await session(as).updateSeenNotifications()),
  // Any query by its NSID; the headers come along, they carry Atproto-Repo-Rev. With `to` the PDS is told
  // which service it is for: `<did>#<service>`.
  query: async ({ as, nsid, params, to }) =>
    answer(await session(as).call(nsid, params ?? {}, undefined, { headers: proxied(to) })),
  // Any procedure by its NSID; without `input` it is sent without a body.
  procedure: async ({ as, nsid, input, to }) => {
    const encoding = input ? { encoding: 'application/json' } : {}
    return answer(await session(as).call(nsid, {}, input ?? undefined, { ...encoding, headers: proxied(to) }))
  },
})

function session(as) {
  const agent = sessions.get(as)
  if (!agent) throw new Error(`no session of "${as}"`)
  return agent
}

function proxied(to) {
  return to ? { 'atproto-proxy': to } : {}
}

function password(as) {
  return `${as}-pass`
}

function answer({ data, headers }) {
  return { data, headers }
}
